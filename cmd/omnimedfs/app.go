package main

import (
	"errors"
	"log/slog"
)

// newApp opens the Data layer: recipes, sources, cache and tree.
func newApp(o *options, log *slog.Logger) (backend, error) {
	return nil, errors.New("this build has no Data layer")
}
