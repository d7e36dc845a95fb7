package miniature

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/convertcore/validate"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/fs/view"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/sourcestest"
)

// TestCatalog mounts a miniature of every recipe with a layout and compares all
// that is served with the truth. Recipes that there is no miniature of yet are
// listed with the reason.
func TestCatalog(t *testing.T) {
	recipes, err := recipe.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAGGLE_USERNAME", "user")
	t.Setenv("KAGGLE_KEY", "secret")
	missing := map[string][]string{}
	passed, verified := 0, 0
	for i, r := range recipes {
		if only := os.Getenv("MINIATURE"); only != "" && only != r.ID || r.RawOnly() || i%everyNth != 0 {
			continue
		}
		if r.Status == recipe.Verified {
			verified++
		}
		o, err := Build(r)
		if errors.Is(err, ErrCannot) {
			missing[err.Error()] = append(missing[err.Error()], r.ID+" ("+r.Status+")")
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			if err != nil {
				t.Fatal(err)
			}
			compare(t, r, o)
		})
		if r.Status == recipe.Verified {
			passed++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(missing)) {
		t.Logf("%s: %s", reason, strings.Join(missing[reason], ", "))
	}
	t.Logf("%d of %d verified recipes have a miniature", passed, verified)
}

// compare mounts an origin and compares what is served with it.
func compare(t *testing.T, r *recipe.Recipe, o *Origin) {
	root, served, d := mount(t, r, o)
	if err := d.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	fsys := tree.FS(root)
	dir := "datasets/" + r.ID + "/"
	want := map[string]bool{}
	for _, c := range o.Cases {
		var image convertcore.Image
		for channel, pic := range c.Images {
			name := "images/" + c.ID
			if channel != "" {
				name += "_" + channel
			}
			name += served.Form().Ext()
			want[name] = true
			im := checkImage(t, fsys, dir+name, r, pic)
			if pic == c.Grid {
				image = im
			}
		}
		for class, mask := range c.Masks {
			name := "labels/" + class + "/" + c.ID + served.Form().Ext()
			want[name] = true
			m := checkMask(t, fsys, dir+name, c.Grid, mask)
			if image != nil && m != nil {
				if err := validate.Pair(image, m); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	checkSizes(t, root, dir, want)
	checkMetadata(t, fsys, dir, r, o, want)
}

// mount serves an origin as its platforms would and returns the tree over it,
// the recipe with the record's name at the fake, and the dataset.
func mount(t *testing.T, r *recipe.Recipe, o *Origin) (tree.Dir, *recipe.Recipe, *dataset.Dataset) {
	t.Helper()
	moved := *r
	moved.Source.Files = slices.Clone(r.Source.Files)
	files := map[string]map[string][]byte{} // by platform
	urls := map[string][]byte{}
	var mirrors []sources.Mirror
	if len(moved.Source.Files) == 0 {
		files[r.Source.Platform] = o.Files
	}
	for i := range moved.Source.Files {
		f := &moved.Source.Files[i]
		f.Size, f.Sum = 0, ""
		platform, _ := r.Source.Place(f)
		for name, data := range o.Files {
			if !f.Matches(name) {
				continue
			}
			if f.URL != "" {
				urls[fmt.Sprintf("%d", i)] = data
				continue
			}
			if files[platform] == nil {
				files[platform] = map[string][]byte{}
			}
			files[platform][name] = data
		}
	}
	if len(urls) > 0 {
		srv := sourcestest.Serve(t, urls)
		for i := range moved.Source.Files {
			if u := moved.Source.Files[i].URL; u != "" {
				target := fmt.Sprintf("%s/%d", srv.URL, i)
				if _, id, ok := strings.Cut(u, "google.com/uc?export=download&id="); ok { // asked for under another URL
					u, target = "https://drive.usercontent.google.com/download?id="+id, target+"?id="+id
				}
				mirrors = append(mirrors, sources.Mirror{Prefix: u, Target: target})
			}
		}
	}
	for platform, list := range files {
		play := func() sourcestest.Record { return sourcestest.Play(unset{t}, platform, list) }
		if platform == "idc" {
			play = func() sourcestest.Record { return sourcestest.PlayIDC(t, list) }
		}
		rec := play()
		mirrors = append(mirrors, rec.Mirrors...)
		if moved.Source.Platform == platform {
			moved.Source.Record = rec.Name
		}
		for i := range moved.Source.Files {
			if f := &moved.Source.Files[i]; f.Platform == platform {
				f.Record = rec.Name
			}
		}
		if rec.Files != nil {
			t.Skipf("the fake of %s holds no files under names of their own", platform)
		}
	}
	c, err := cache.Open(t.Context(), t.TempDir(), cache.Options{Limit: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	client := sources.NewClient(sources.Options{Mirrors: mirrors, Facts: c.Facts(), Log: log, Retries: sources.Retries{Attempts: 1, Backoff: time.Millisecond}})
	env := dataset.NewEnv(client, c, 64<<20, log)
	t.Cleanup(func() {
		env.Close()
		client.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	d := dataset.New(&moved, env)
	return view.Root(&view.Catalog{Datasets: []*dataset.Dataset{d}}), &moved, d
}

// unset keeps fakes from setting variables, which the caller has set.
type unset struct{ testing.TB }

func read(t *testing.T, fsys iofs.FS, name string) []byte {
	t.Helper()
	data, err := iofs.ReadFile(fsys, name)
	if err != nil {
		t.Errorf("%v", err)
	}
	return data
}

// decoded is the served file as the conversion layer reads it.
func decoded(t *testing.T, name string, data []byte) convertcore.Image {
	t.Helper()
	f, err := format.For(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	im, err := f.Decode(t.Context(), oneFile{name, data}, []string{name})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	return im
}

type oneFile struct {
	name string
	data []byte
}

func (o oneFile) Files(context.Context) ([]blob.Info, error) {
	return []blob.Info{{Path: o.name, Size: int64(len(o.data))}}, nil
}
func (o oneFile) Open(context.Context, string) (blob.Blob, error) { return blob.Bytes(o.data), nil }

func checkImage(t *testing.T, fsys iofs.FS, name string, r *recipe.Recipe, want *Picture) convertcore.Image {
	t.Helper()
	data := read(t, fsys, name)
	if data == nil {
		return nil
	}
	got, near := grid(t, name, data, want), want.Near
	if got == nil {
		return nil
	}
	px := want.Px
	if r.Case.Float2D == "png16" && got.Bits == 16 && want.Bits != 16 { // scaled to the whole range
		px = scaled(px)
		near = 1
	}
	if len(got.Px) != len(px) || got.C != want.C {
		t.Errorf("%s: %d samples of %d a pixel, want %d of %d", name, len(got.Px), got.C, len(px), want.C)
		return nil
	}
	for i, v := range px {
		if math.Abs(got.Px[i]-v) > near+1e-6*math.Abs(v) {
			t.Errorf("%s: sample %d is %g, want %g", name, i, got.Px[i], v)
			return nil
		}
	}
	return decoded(t, name, data)
}

func scaled(px []float64) []float64 {
	lo, hi := slices.Min(px), slices.Max(px)
	out := make([]float64, len(px))
	for i, v := range px {
		out[i] = math.Round((v - lo) / (hi - lo) * 65535)
	}
	return out
}

// grid reads a served file and compares its size and place.
func grid(t *testing.T, name string, data []byte, want *Picture) *Picture {
	t.Helper()
	if strings.HasSuffix(name, ".png") {
		p, err := ReadPNG(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		if p.W != want.W || p.H != want.H {
			t.Errorf("%s: %d×%d, want %d×%d", name, p.W, p.H, want.W, want.H)
			return nil
		}
		return p
	}
	p, affine, planes, err := ReadNIfTI(data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	if p.W != want.W || p.H != want.H || p.D != want.D || planes != 1 {
		t.Errorf("%s: %d×%d×%d×%d, want %d×%d×%d", name, p.W, p.H, p.D, planes, want.W, want.H, want.D)
		return nil
	}
	if hasGeometry(want) {
		upright(p, &affine)
		for i := range 3 {
			for j := range 4 {
				w := 0.0
				if i == j {
					w = want.Spacing[i]
				} else if j == 3 {
					w = want.Origin[i]
				}
				if math.Abs(affine[i][j]-w) > 1e-4 {
					t.Errorf("%s: affine %v, want spacing %v and origin %v", name, affine, want.Spacing, want.Origin)
					return nil
				}
			}
		}
	}
	return p
}

// upright turns a volume round along the axes that its affine turns round.
func upright(p *Picture, m *[3][4]float64) {
	for i, axis := range []string{"x", "y", "z"} {
		if m[i][i] >= 0 {
			continue
		}
		n := []int{p.W, p.H, p.D}[i]
		m[i][3] += m[i][i] * float64(n-1)
		m[i][i] = -m[i][i]
		*p = *p.flipped([]string{axis})
	}
}

func hasGeometry(p *Picture) bool { return p.Spacing != [3]float64{} }

func checkMask(t *testing.T, fsys iofs.FS, name string, like *Picture, want []byte) convertcore.Image {
	t.Helper()
	data := read(t, fsys, name)
	if data == nil {
		return nil
	}
	got := grid(t, name, data, like)
	if got == nil {
		return nil
	}
	on := 1.0
	if strings.HasSuffix(name, ".png") {
		on = 255
	}
	wrong := 0
	for i, v := range want {
		if got.Px[i] != float64(v)*on {
			wrong++
		}
	}
	if wrong > 0 || got.C != 1 || len(got.Px) != len(want) {
		t.Errorf("%s: %d of %d pixels differ", name, wrong, len(want))
		return nil
	}
	return decoded(t, name, data)
}
