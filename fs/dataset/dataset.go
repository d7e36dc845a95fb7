package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// ErrAbsent is returned for a file that a case does not have.
var ErrAbsent = errors.New("the case has no such file")

// Dataset is one dataset of the catalog. It loads on first touch: its listing
// comes from the cache, else from the platform and the archives' directories.
type Dataset struct {
	Recipe *recipe.Recipe

	env   *Env
	conv  convertcore.Converter
	loads *flights[string]
	fills *flights[string]
	state atomic.Pointer[state]
	pins  map[string]string // see Pin
	read  atomic.Bool       // somebody read a file

	license      atomic.Pointer[license]
	licenseAsked atomic.Int64 // when, in ns

	mayBeSliced bool // see Sliced
}

// state is what a load found. Only the sizes are filled in later.
type state struct {
	raw   *raw.Files // loaded
	idx   *index
	id    [32]byte // of the recipe, the converter and the raw listing
	sizes []atomic.Int64

	missing error // why an archive could not be entered that may hold files of cases

	writer sizeWriter
}

// New returns the dataset that r describes. It does no I/O.
func New(r *recipe.Recipe, env *Env) *Dataset {
	return &Dataset{
		Recipe: r, env: env, conv: r.Converter(),
		loads: newFlights[string](env), fills: newFlights[string](env), mayBeSliced: r.Sliced(),
	}
}

// largeListing is the number of raw files from where on loading them leaves
// garbage, a kilobyte a file, that is worth a collection at once: 50 MB.
const largeListing = 50_000

// Load reads the listing and the case table. After it has returned nil the
// methods that name cases by number may be used.
func (d *Dataset) Load(ctx context.Context) error {
	if d.state.Load() != nil {
		return nil
	}
	err := d.loads.do(ctx, "", func(ctx context.Context) error {
		s, err := d.load(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Recipe.ID, err)
		}
		d.state.Store(s)
		return nil
	})
	return err
}

// Touched tells whether an earlier mount, or this one, has loaded the dataset,
// so that its listing is in the cache.
func (d *Dataset) Touched() bool {
	if d.Loaded() {
		return true
	}
	_, ok := d.env.Cache.Facts().Get("touched:" + d.Recipe.ID)
	return ok
}

// WasRead tells whether a file of the dataset was read, converted or raw.
func (d *Dataset) WasRead() bool { return d.read.Load() }

// Loaded tells whether Load has succeeded.
func (d *Dataset) Loaded() bool { return d.state.Load() != nil }

func (d *Dataset) load(ctx context.Context) (*state, error) {
	if err := d.permitted(); err != nil {
		return nil, err
	}
	reach := d.Recipe.Archives()
	opt := d.rawOptions(reach)
	opt.Index = d.shipped()
	s := &state{raw: raw.New(opt)}
	if err := d.index(ctx, s, reach); err != nil {
		s.raw.Close()
		return nil, err
	}
	d.env.closeLater(s.raw)
	for _, w := range s.raw.Warnings() {
		d.env.Log.Warn("raw listing", "dataset", d.Recipe.ID, "warning", w)
	}
	if s.raw.Len() >= largeListing {
		debug.FreeOSMemory() // what the listing was made from is several times what is kept
	}
	s.sizes = make([]atomic.Int64, len(s.idx.absent))
	d.recallSizes(s)
	if err := d.env.Cache.Facts().Set("touched:"+d.Recipe.ID, []byte{1}); err != nil {
		d.env.Log.Warn("fact not kept", "dataset", d.Recipe.ID, "error", err)
	}
	return s, nil
}

func (d *Dataset) rawOptions(reach *recipe.Archives) raw.Options {
	src := &d.Recipe.Source
	return raw.Options{
		List:  d.origins,
		Facts: d.env.Cache.Facts(), Log: d.env.Log, Spool: d.env.Spool,
		Keep: func(string) bool { return src.Closed }, Wants: reach.Wants, Reaches: reach.Reaches,
	}
}

// origins are those of Origins, under a licence that is known where it can be.
func (d *Dataset) origins(ctx context.Context) ([]raw.Origin, error) {
	list, err := origins(ctx, d.env.Client, d.Recipe.ID, &d.Recipe.Source, d.list, d.askLicense)
	if err != nil {
		return nil, err
	}
	return list, d.askLicense(ctx)
}

// BuildIndex lists the raw files from the platform and the archives themselves
// and returns what that has shown: Encode makes of it a file which, given back
// by Env.Index, lists the dataset without a request. Archives without random
// access are downloaded for it once.
func (d *Dataset) BuildIndex(ctx context.Context) (*raw.Index, error) {
	x, err := raw.BuildIndex(ctx, d.rawOptions(d.Recipe.Archives()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Recipe.ID, err)
	}
	return x, nil
}

// shipped is the index that came with the catalog, nil without a good one.
func (d *Dataset) shipped() *raw.Index {
	if d.env.Index == nil {
		return nil
	}
	data, ok := d.env.Index(d.Recipe.ID)
	if !ok {
		return nil
	}
	x, err := raw.DecodeIndex(data)
	if err != nil {
		d.env.Log.Warn("shipped index", "dataset", d.Recipe.ID, "error", err)
		return nil
	}
	return x
}

// index lists the raw files and splits them into cases. An archive that cannot
// be entered is no reason to hide the cases of the others. But where it may
// hold what the listed cases lack, or all cases, its error is that of the
// dataset: what is missing must not pass for what the authors did not give.
func (d *Dataset) index(ctx context.Context, s *state, reach *recipe.Archives) error {
	if err := s.raw.Load(ctx); err != nil {
		return err
	}
	for _, b := range s.raw.Broken() {
		d.env.failed("datasets/"+d.Recipe.ID+"/"+RawPath(b.Path), b.Err)
		if s.missing == nil && reach.Reaches(b.Path) {
			s.missing = b.Err
		}
	}
	cases, err := d.conv.Cases(ctx, s.raw)
	if err != nil {
		return errors.Join(s.missing, err)
	}
	if s.idx, err = newIndex(cases, s.raw); err != nil {
		return errors.Join(s.missing, err)
	}
	if s.missing != nil && s.idx.lacks(d.Recipe) {
		return fmt.Errorf("cases lack files that a broken archive may hold: %w", s.missing)
	}
	s.id = listingID(d.Recipe, s.raw)
	return nil
}

// listingID changes when any converted byte may.
func listingID(r *recipe.Recipe, files rawTable) (id [32]byte) {
	h := sha256.New()
	hash := r.Hash()
	h.Write(hash[:])
	writeUint(h, convertcore.ConverterVersion)
	for i := range files.Len() {
		writeInfo(h, files.At(i))
	}
	h.Sum(id[:0])
	return id
}

func writeInfo(w io.Writer, f blob.Info) {
	writeString(w, f.Path)
	writeUint(w, uint64(f.Size))
	writeString(w, f.Sum)
}

func writeString(w io.Writer, s string) {
	writeUint(w, uint64(len(s)))
	io.WriteString(w, s)
}

func writeUint(w io.Writer, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	w.Write(b[:])
}

// key names the payload of one file: recipe, converter version, case, part and
// the raw files that it is made of.
func (d *Dataset) key(s *state, c int, p *convertcore.Part) cache.Key {
	h := sha256.New()
	hash := d.Recipe.Hash()
	h.Write(hash[:])
	writeUint(h, convertcore.ConverterVersion)
	writeString(h, s.idx.ids[c])
	writeUint(h, uint64(p.Kind))
	writeString(h, p.Name)
	for _, path := range p.Raw {
		if f, ok := s.raw.Lookup(path); ok {
			writeInfo(h, f)
		}
	}
	var k cache.Key
	h.Sum(k[:0])
	return k
}

// derivedKey names content that follows from the whole listing.
func (s *state) derivedKey(what string) cache.Key {
	return sha256.Sum256([]byte(what + "\x00" + hex.EncodeToString(s.id[:])))
}
