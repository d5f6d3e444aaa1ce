// Package render shows an issued document to people, with [HTML], and to other
// programs, with [UBL]. It knows no HTTP: it writes what it is given.
package render
