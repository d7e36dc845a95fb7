package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "1b": 1, "200MB": 200e6, "200mb": 200e6, "50GiB": 50 << 30,
		"1.5G": 3 << 29, "2k": 2048, "0.5 KB": 500, " 7 MiB ": 7 << 20, "8388607TiB": 8388607 << 40,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "-1MB", "1e30", "9223372036854775808", "8388608TiB", "0x10", "nan", "inf", "1_000", "5 apples", "1MiBiB"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1KiB", 1536: "1.5KiB", 50 << 30: "50GiB", 200e6: "190.7MiB", 3 << 50: "3PiB",
	} {
		if got := FormatBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"90": 90 * time.Second, "2m30s": 150 * time.Second, "0.5": time.Second / 2, "0": 0} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1s", "-3", "soon", "1e300", "NaN"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestExitCode(t *testing.T) {
	for want, err := range map[int]error{
		ExitOK: nil, ExitError: errors.New("x"), ExitUsage: fmt.Errorf("a: %w", Usage(errors.New("x"))),
		ExitFailures: fmt.Errorf("a: %w", ErrFailures), ExitInterrupted: fmt.Errorf("a: %w", context.Canceled),
	} {
		if got := ExitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

func FuzzParseBytes(f *testing.F) {
	f.Add("50GiB")
	f.Add("1.5k")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseBytes(s)
		if err == nil && n < 0 {
			t.Errorf("%q is %d", s, n)
		}
		if err == nil && n < 1<<52 { // what is shown is at most 5 % off
			back, err := ParseBytes(FormatBytes(n))
			if err != nil || back < n-n/20-1 || back > n+n/20+1 {
				t.Errorf("%q: %d is shown as %s", s, n, FormatBytes(n))
			}
		}
	})
}
