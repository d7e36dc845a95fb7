package model

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omnimedseg/omnimedfs/eval/data"
)

func init() { Register("dir", newDir) }

// dirModel answers with masks that were computed before, for the evaluation of
// models without interaction. It looks for a case's mask in this order, each
// with the extensions .nii.gz, .nii, .png, .npy:
//
//	ROOT/datasets/<dataset>/labels/<class>/<case>   the standard tree
//	ROOT/<dataset>/<class>/<case>
//	ROOT/<class>/<case>
//	ROOT/<case>
type dirModel struct{ root string }

func newDir(root string) (Model, error) {
	st, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("model dir: %w", err)
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("model dir: %s is no folder", root)
	}
	return dirModel{root}, nil
}

func (d dirModel) Name() string { return "dir" }
func (d dirModel) Close() error { return nil }

func (d dirModel) Open(ctx context.Context, c *Case) (Session, error) {
	path := d.find(c)
	if path == "" {
		return nil, failure(StatusMissing, "no mask of %s/%s/%s", c.Dataset, c.Class, c.Case)
	}
	m, err := data.ReadMask(ctx, path, c.Spacing)
	if err != nil {
		return nil, failure(StatusBadResult, "%w", err)
	}
	if fmt.Sprint(m.Dims()) != fmt.Sprint(c.Dims) {
		return nil, failure(StatusBadResult, "%s has shape %v, the case %v", filepath.Base(path), m.Dims(), c.Dims)
	}
	return fixed{m}, nil
}

func (d dirModel) find(c *Case) string {
	for _, stem := range []string{
		filepath.Join("datasets", c.Dataset, "labels", c.Class, c.Case),
		filepath.Join(c.Dataset, c.Class, c.Case),
		filepath.Join(c.Class, c.Case),
		c.Case,
	} {
		for _, ext := range []string{".nii.gz", ".nii", ".png", ".npy"} {
			path := filepath.Join(d.root, stem+ext)
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}
