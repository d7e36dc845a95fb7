//go:build !race

package recipe

const everyNth = 1
