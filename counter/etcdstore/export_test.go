package etcdstore

import "time"

// Share sets how callers share calls of etcd.
func (s *Store) Share(flights int, patience time.Duration) {
	s.sharing = sharing{flights: flights, patience: patience}
}

// Waiting returns how many callers wait to share a call.
func (s *Store) Waiting() int { return s.loads.Waiting() + s.swaps.Waiting() }
