//go:build race

package recipe

// everyNth thins the whole-archive comparison out where the race detector makes
// it ten times slower; all cases are compared without it.
const everyNth = 8
