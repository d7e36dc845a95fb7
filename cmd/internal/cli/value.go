package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Text is an option that takes any text.
func Text(p *string, def string) pflag.Value { *p = def; return (*textValue)(p) }

// Switch is an option that is on or off.
func Switch(p *bool, def bool) pflag.Value { *p = def; return (*boolValue)(p) }

// Count is an option that takes a whole number in [lo, hi].
func Count(p *int, def, lo, hi int) pflag.Value { *p = def; return &countValue{p, lo, hi} }

// Bytes is an option that takes a size, as ParseBytes reads it.
func Bytes(p *int64, def int64) pflag.Value { *p = def; return (*bytesValue)(p) }

// Duration is an option that takes a time span, as ParseDuration reads it.
func Duration(p *time.Duration, def time.Duration) pflag.Value {
	*p = def
	return (*durationValue)(p)
}

// List is an option that may be given several times.
func List(p *[]string) pflag.Value { return (*listValue)(p) }

// Choice is an option that takes one of a few words.
func Choice(p *string, def string, words ...string) pflag.Value {
	*p = def
	return &choiceValue{p, words}
}

type textValue string

func (v *textValue) String() string     { return string(*v) }
func (v *textValue) Set(s string) error { *v = textValue(s); return nil }
func (v *textValue) Type() string       { return "text" }

type boolValue bool

func (v *boolValue) String() string { return strconv.FormatBool(bool(*v)) }
func (v *boolValue) Type() string   { return "bool" }
func (v *boolValue) Set(s string) error {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on":
		*v = true
	case "false", "0", "no", "off":
		*v = false
	default:
		return fmt.Errorf("%q is neither true nor false", s)
	}
	return nil
}

type countValue struct {
	p      *int
	lo, hi int
}

func (v *countValue) String() string { return strconv.Itoa(*v.p) }
func (v *countValue) Type() string   { return "number" }
func (v *countValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", s)
	}
	if n < v.lo || n > v.hi {
		return fmt.Errorf("%d is not between %d and %d", n, v.lo, v.hi)
	}
	*v.p = n
	return nil
}

type bytesValue int64

func (v *bytesValue) Type() string { return "size" }

// String is exact: Set reads it back.
func (v *bytesValue) String() string {
	text := FormatBytes(int64(*v))
	if n, err := ParseBytes(text); err != nil || n != int64(*v) {
		return strconv.FormatInt(int64(*v), 10)
	}
	return text
}

func (v *bytesValue) Set(s string) error {
	n, err := ParseBytes(s)
	if err == nil {
		*v = bytesValue(n)
	}
	return err
}

type durationValue time.Duration

func (v *durationValue) String() string { return time.Duration(*v).String() }
func (v *durationValue) Type() string   { return "duration" }
func (v *durationValue) Set(s string) error {
	d, err := ParseDuration(s)
	if err == nil {
		*v = durationValue(d)
	}
	return err
}

type listValue []string

func (v *listValue) String() string { return strings.Join(*v, ",") }
func (v *listValue) Type() string   { return "list" }
func (v *listValue) Set(s string) error {
	if s == "" {
		return errors.New("empty value")
	}
	*v = append(*v, s)
	return nil
}

type choiceValue struct {
	p     *string
	words []string
}

func (v *choiceValue) String() string { return *v.p }
func (v *choiceValue) Type() string   { return strings.Join(v.words, "|") }
func (v *choiceValue) Set(s string) error {
	if !slices.Contains(v.words, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(v.words, ", "))
	}
	*v.p = s
	return nil
}

var units = []struct {
	suffix string
	factor float64
}{ // longer suffixes first
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40}, {"pib", 1 << 50},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"pb", 1e15},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"p", 1 << 50}, {"b", 1},
}

// ParseBytes reads a size: "4096", "200MB" (10^6), "50GiB" (2^30), "1.5T". A
// letter alone is a power of 1024, as for GNU tools. Case does not matter.
func ParseBytes(s string) (int64, error) {
	text, factor := strings.ToLower(strings.TrimSpace(s)), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			text, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		if float64(n)*factor >= math.MaxInt64 {
			return 0, fmt.Errorf("size %q is too large", s)
		}
		return n * int64(factor), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xpn_") {
		return 0, fmt.Errorf("%q is not a size such as 4096, 200MB or 50GiB", s)
	}
	if f < 0 || f*factor >= math.MaxInt64 {
		return 0, fmt.Errorf("size %q is out of range", s)
	}
	return int64(f * factor), nil
}

// FormatBytes writes n in the largest unit below it, with one decimal where
// it is no whole number of that.
func FormatBytes(n int64) string {
	if n < 1024 && n > -1024 {
		return strconv.FormatInt(n, 10) + "B"
	}
	f, i := float64(n), -1
	for (f >= 1024 || f <= -1024) && i < 4 {
		f /= 1024
		i++
	}
	text := strconv.FormatFloat(f, 'f', 1, 64)
	return strings.TrimSuffix(text, ".0") + []string{"KiB", "MiB", "GiB", "TiB", "PiB"}[i]
}

// ParseDuration reads "90s", "2m30s", or a number of seconds; not negative.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if sec, numErr := strconv.ParseFloat(s, 64); numErr == nil && math.Abs(sec) < 1e9 {
		d, err = time.Duration(sec*float64(time.Second)), nil
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not a time span such as 30s or 2m", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("time span %q is negative", s)
	}
	return d, nil
}
