//go:build race

package main

// The race detector makes drawing forty times slower: under it one mask is
// drawn. scripts/test.sh draws all of them without it.
const underRace = true
