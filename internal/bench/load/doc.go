// Package load sends invoices over HTTP and measures what became of them: a client
// that costs little beside what it measures, a closed model ([Closed]), an open one
// ([Open]), and the statistics of rounds. It stands on the standard library.
//
// Client and server share the machine, so a client that takes as long as the server
// would hide what the server can do. [Conn] writes bytes that were made before the
// round and reads of an answer no more than its status, its length and its numbers.
package load
