package main

// order is the order of n sides in a round, counted from 0: A B C, then C B A, and so on.
// What drifts while a round lasts, such as the machine's speed or the WAL since the last
// checkpoint, then hurts those at either end alike.
func order(round, n int) []int {
	turns := make([]int, n)
	for i := range turns {
		if turns[i] = i; round%2 == 1 {
			turns[i] = n - 1 - i
		}
	}
	return turns
}
