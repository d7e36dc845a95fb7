//go:build race

package miniature

// everyNth recipe is tested: the race detector makes it slow.
const everyNth = 20
