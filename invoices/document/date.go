package document

// DateFault says what is wrong with a date; "" if it is a day YYYY-MM-DD within
// the bounds that documents have.
func DateFault(text string) string {
	var c check
	if c.date("", text) {
		return ""
	}
	return c.bad[0].Detail
}
