package simulator

// Seed is what every random choice of the world comes from.
func (w *World) Seed() uint64 { return w.seed }
