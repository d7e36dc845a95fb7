package recipe

import "testing"

func TestArchives(t *testing.T) {
	r := &Recipe{ID: "x", Status: Verified, Dim: 2}
	r.Case.Image = Patterns{"images_{part}.zip!/{case}.zip!/image.png"}
	r.Case.ID = "{part}_{case}"
	r.Classes = []Class{{Name: "a", Label: Patterns{"masks.csv.gz!/masks.csv"}}}
	a := r.Archives()
	for path, want := range map[string]bool{
		"images_1.zip": true, "images_1.zip!/7.zip": true, "masks.csv.gz": true,
		"other.csv.gz": false, "docs.zip": false, "images_1.zip!/7.zip!/image.png": false, "images_1.zip!/a/7.zip": false,
	} {
		if a.Wants(path) != want || a.Reaches(path) != want {
			t.Errorf("%s: %v, %v", path, a.Wants(path), a.Reaches(path))
		}
	}
	r.Classes[0].Label = Patterns{"**/{case}.nii.gz"}
	if a = r.Archives(); a.Wants("x.nii.gz") || !a.Reaches("docs.zip") {
		t.Error("a wildcard names no archive, and may reach into any")
	}
}
