package robot

import (
	"errors"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// ramp is an image whose intensity is the column.
type ramp struct{ width int }

func (r ramp) At(p mask.Point) float64      { return float64(p[2]) }
func (r ramp) Percentile(q float64) float64 { return q / 100 * float64(r.width-1) }

// On one row of ten pixels L is 2…5 and Y is 4…7.
func TestEligibility(t *testing.T) {
	l, y := newMask(t, 1, 10), newMask(t, 1, 10)
	l.FillBox(mask.Box{Min: mask.Point{0, 0, 2}, Max: mask.Point{1, 1, 6}})
	y.FillBox(mask.Box{Min: mask.Point{0, 0, 4}, Max: mask.Point{1, 1, 8}})
	for expr, want := range map[string]string{
		"error": "2367", "gt": "2345", "fn": "23", "fp": "67", "bg": "016789", "error-split": "23|67",
		"L ^ Y": "2367", "L & Y": "45", "L | Y": "234567", "L - Y": "23", "!L": "016789", "!(L | Y)": "0189",
		"I > 7": "89", "I >= 7 & !Y": "89", "I > pct(50)": "56789", "L & I + 1 == 4": "3", "-I >= -1": "01",
		"I*2 < 4 | I/2 > 4": "019", "dilate(L, 1) - L": "16", "true - L": "016789", "false": "", "2 <= I & I != 3": "2456789",
		"erode(L, 1)": "", "border(L)": "2345",
	} {
		e, err := ParseEligibility(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		region, err := e.Region(ramp{10}, l, y)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, m := range region {
			text := ""
			for p := range m.All() {
				text += string(rune('0' + p[2]))
			}
			parts = append(parts, text)
		}
		if got := strings.Join(parts, "|"); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
	e, _ := ParseEligibility("I > 1")
	if _, err := e.Region(nil, l, y); !errors.Is(err, ErrNoImage) {
		t.Errorf("without an image: %v", err)
	}
}

func TestExpressionsRefused(t *testing.T) {
	for _, bad := range []string{"", "L &", "(L", "L)", "I", "I & L", "L > 3", "L + Y", "!I", "-L", "pct(L)", "I > pct(101)", "dilate(L)",
		"dilate(L, -1)", "dilate(I, 1)", "Z", "L Y", "I > 1e", "L # Y", strings.Repeat("(", 200) + "L", strings.Repeat("!", 900) + "L"} {
		if _, err := ParseEligibility(bad); err == nil {
			t.Errorf("%.40q was accepted", bad)
		}
	}
}

func FuzzParseEligibility(f *testing.F) {
	for _, s := range []string{"error", "I > pct(99.75) & !L", "dilate(L, 10) - L", "((Y))", "-I*2 <= .5e1 | border(erode(Y,2))"} {
		f.Add(s)
	}
	l, err := mask.New([]int{2, 3}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseEligibility(s)
		if err != nil {
			return
		}
		region, err := e.Region(ramp{3}, l, l)
		if err != nil || len(region) == 0 || !mask.SameGrid(region[0], l) {
			t.Fatalf("%q parsed, then: %v", s, err)
		}
	})
}
