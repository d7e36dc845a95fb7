//go:build !race

package miniature

// everyNth recipe is tested.
const everyNth = 1
