package archive

import (
	"errors"
	"fmt"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Env is what an archive needs beside its bytes. The zero value serves: it
// keeps nothing and allows the default limits.
type Env struct {
	Facts blob.Facts // where indexes are kept; nil: nowhere
	// Key names this version of the archive in Facts; "" keeps nothing.
	Key string
	// Spool is where formats without random access are unpacked to; nil: one
	// that all archives without their own share, in $TMPDIR.
	Spool  *Spool
	Limits Limits
	Unpack bool // take a single packed file for an archive of one member
	// Volumes are the parts of an archive of several files, in their order; of
	// any other archive they are nil.
	Volumes []Volume
}

// Volume is one file of an archive of several.
type Volume struct {
	Name string
	Blob blob.Blob
}

// Limits bound what an archive may claim and cost. Zero values mean the
// defaults named here.
type Limits struct {
	Members int   // of one archive; 16 Mi
	Member  int64 // bytes of one member; 4 TiB
	// Ratio is how many bytes one packed byte may become, in all of an archive
	// or in one member of more than RatioFrom bytes; 20,000. An image of zeros
	// becomes 1,032 with DEFLATE and 30,000 with zstd, but is not that long.
	Ratio int64
	// RatioFrom is below which no ratio is looked at; 1 GiB.
	RatioFrom int64
	// Dictionary bounds the memory of one LZMA, PPMd or RAR decoder; 256 MiB,
	// the largest that 7-Zip's levels ask for.
	Dictionary int64
}

// ErrLimit marks what an archive asks for beyond Limits: more likely an attack
// than a dataset.
var ErrLimit = fmt.Errorf("%w: beyond the limits for archives", ErrUnsupported)

func (e *Env) defaults() {
	if e.Facts == nil || e.Key == "" {
		e.Facts, e.Key = blob.NoFacts{}, ""
	}
	if e.Spool == nil {
		e.Spool = sharedSpool()
	}
	e.Limits = e.Limits.defaults()
}

func (l Limits) defaults() Limits {
	if l.Members == 0 {
		l.Members = 16 << 20
	}
	if l.Member == 0 {
		l.Member = 4 << 40
	}
	if l.Ratio == 0 {
		l.Ratio = 20_000
	}
	if l.RatioFrom == 0 {
		l.RatioFrom = 1 << 30
	}
	if l.Dictionary == 0 {
		l.Dictionary = 256 << 20
	}
	return l
}

// key is the name of a fact of this archive, "" where nothing is kept.
func (e *Env) key(kind string) string {
	if e.Key == "" {
		return ""
	}
	return kind + ":" + e.Key
}

// member checks one member's claims.
func (l Limits) member(packed, unpacked int64) error {
	if unpacked > l.Member {
		return fmt.Errorf("%w: a member of %d bytes", ErrLimit, unpacked)
	}
	return l.ratio(packed, unpacked)
}

func (l Limits) ratio(packed, unpacked int64) error {
	if unpacked > l.RatioFrom && unpacked/l.Ratio > packed {
		return fmt.Errorf("%w: %d bytes out of %d packed ones", ErrLimit, unpacked, packed)
	}
	return nil
}

// Permanent tells whether an error is the archive's own, so that asking again
// will not help.
func Permanent(err error) bool {
	return errors.Is(err, ErrFormat) || errors.Is(err, ErrUnsupported) || errors.Is(err, ErrChecksum)
}
