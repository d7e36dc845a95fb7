package sources_test

import (
	"testing"

	"github.com/omnimedseg/omnimedfs/sources"
)

func TestSPDX(t *testing.T) {
	for in, want := range map[string]string{
		"cc-by-4.0": "CC-BY-4.0", "CC BY 4.0": "CC-BY-4.0", "cc-zero": "CC0-1.0", "CC0": "CC0-1.0", "CC0 1.0": "CC0-1.0",
		"https://creativecommons.org/licenses/by-nc-sa/3.0/": "CC-BY-NC-SA-3.0",
		"http://creativecommons.org/publicdomain/zero/1.0":   "CC0-1.0",
		"CC0: Public Domain": "CC0-1.0",
		"Creative Commons Attribution 3.0 Unported License":            "CC-BY-3.0",
		"Creative Commons Attribution-NonCommercial 4.0 International": "CC-BY-NC-4.0",
		"CC-BY-NC-SA-4.0":                        "CC-BY-NC-SA-4.0",
		"cc-by-nc-nd-4.0":                        "CC-BY-NC-ND-4.0",
		"https://spdx.org/licenses/CC0-1.0.html": "CC0-1.0",
		"mit":                                    "MIT", "Apache 2.0": "Apache-2.0", "MIT License": "MIT",
		"": "", "NOASSERTION": "", "unknown": "", "TCIA Restricted": "LicenseRef-tcia-restricted",
	} {
		if got := sources.SPDX(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTerms(t *testing.T) {
	for in, want := range map[string]sources.Terms{
		"": sources.TermsUnknown, "CC-BY-4.0": sources.TermsOpen, "CC-BY-NC-SA-3.0": sources.TermsOpen, "CC0-1.0": sources.TermsOpen, "MIT": sources.TermsOpen,
		"CC-BY-NC-ND-4.0": sources.TermsClosed, "LicenseRef-tcia-restricted": sources.TermsClosed, "LicenseRef-whatever": sources.TermsUnknown,
	} {
		if got := sources.TermsOf(in); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func FuzzSPDX(f *testing.F) {
	f.Add("Creative Commons Attribution 4.0")
	f.Fuzz(func(t *testing.T, s string) {
		id := sources.SPDX(s)
		if again := sources.SPDX(id); sources.TermsOf(id) == sources.TermsOpen && again != id {
			t.Errorf("%q: %q, then %q", s, id, again)
		}
	})
}
