package dataset

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// licenseRetry is how long a platform that did not tell a licence is left alone.
const licenseRetry = 10 * time.Minute

// license is what the dataset's platforms say of their records, as Facts keep
// it: it is asked for once, with the first listing or the first raw file.
type license struct {
	Places []placeLicense `json:"places"`
}

type placeLicense struct {
	Platform string `json:"platform"`
	Record   string `json:"record"`
	SPDX     string `json:"spdx"` // "" where the record has none
}

// LicenseWarnings say where a platform names another licence than the recipe
// does. They ask nothing: before the first listing there are none.
func (d *Dataset) LicenseWarnings() (out []string) {
	l := d.knownLicense()
	if l == nil {
		return nil
	}
	for _, p := range l.Places {
		if p.SPDX != "" && p.SPDX != d.Recipe.License {
			out = append(out, fmt.Sprintf("%s gives record %s under %s, the recipe says %s", p.Platform, p.Record, p.SPDX, d.Recipe.License))
		}
	}
	return out
}

// permitted is an error where a platform's licence does not let the data be
// passed on and the user has not accepted that.
func (d *Dataset) permitted() error {
	l := d.knownLicense()
	if l == nil || d.env.Accepted != nil && d.env.Accepted(d.Recipe.ID) {
		return nil
	}
	for _, p := range l.Places {
		if p.SPDX != d.Recipe.License && sources.TermsOf(p.SPDX) == sources.TermsClosed {
			return fmt.Errorf("%w: %s gives record %s under %s, which does not let others pass the data on: read it, and mount with --accept-license %s if you may use the data",
				sources.ErrRefused, p.Platform, p.Record, p.SPDX, d.Recipe.ID)
		}
	}
	return nil
}

// places are the records that the recipe names, each once.
func (d *Dataset) places() (out []placeLicense) {
	src := &d.Recipe.Source
	add := func(platform, record string) {
		p := placeLicense{Platform: platform, Record: record}
		if record != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	add(src.Platform, src.Record)
	for i := range src.Files {
		add(src.Place(&src.Files[i]))
	}
	return out
}

func (d *Dataset) licenseKey() string {
	var key strings.Builder
	key.WriteString("license:" + d.Recipe.ID)
	for _, p := range d.places() {
		key.WriteString("\x00" + p.Platform + "\x00" + p.Record)
	}
	return key.String()
}

func (d *Dataset) knownLicense() *license {
	if l := d.license.Load(); l != nil {
		return l
	}
	text, ok := d.env.Cache.Facts().Get(d.licenseKey())
	l := &license{}
	if !ok || json.Unmarshal(text, l) != nil {
		return nil
	}
	d.license.CompareAndSwap(nil, l)
	return l
}

// askLicense makes the licence known where the platforms tell it, and then is
// permitted. A platform that cannot be asked stops nothing.
func (d *Dataset) askLicense(ctx context.Context) error {
	if d.knownLicense() != nil || d.licenseAsked.Load() > time.Now().Add(-licenseRetry).UnixNano() {
		return d.permitted()
	}
	d.licenseAsked.Store(time.Now().UnixNano())
	l := &license{Places: d.places()}
	for i := range l.Places {
		p := &l.Places[i]
		src, err := d.env.Client.Source(p.Platform)
		if err != nil {
			return err
		}
		if asks, ok := src.(sources.Licenser); ok {
			if p.SPDX, err = asks.License(fetch.WithOrigin(ctx, p.Platform, d.Recipe.ID), p.Record); err != nil {
				d.env.Log.Debug("license not told", "dataset", d.Recipe.ID, "error", err)
				return nil
			}
		}
	}
	d.license.Store(l)
	if text, err := json.Marshal(l); err == nil {
		if err := d.env.Cache.Facts().Set(d.licenseKey(), text); err != nil {
			d.env.Log.Warn("fact not kept", "dataset", d.Recipe.ID, "error", err)
		}
	}
	for _, w := range d.LicenseWarnings() {
		d.env.Log.Warn("license", "dataset", d.Recipe.ID, "warning", w)
	}
	return d.permitted()
}
