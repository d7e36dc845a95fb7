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

const (
	// licenseRetry is how long a platform that did not tell a licence is left alone.
	licenseRetry = 10 * time.Minute
	// licenseAge is after how long it is asked for again. Until the platforms have
	// answered, what they said last holds.
	licenseAge = 30 * 24 * time.Hour
)

// license is what the dataset's platforms say of their records, as Facts keep
// it: it is asked for with the first listing or the first raw file.
type license struct {
	Asked  time.Time      `json:"asked"`
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
// permitted. A platform that cannot be asked stops nothing. One that has aged is
// asked for again while it still holds.
func (d *Dataset) askLicense(ctx context.Context) error {
	l := d.knownLicense()
	if l != nil && d.env.age(l.Asked) < licenseAge || d.env.age(time.Unix(0, d.licenseAsked.Load())) < licenseRetry {
		return d.permitted()
	}
	d.licenseAsked.Store(d.env.now().UnixNano())
	if l == nil {
		if err := d.newLicense(ctx); err != nil {
			return err
		}
	} else if _, err := d.loads.start("license", d.newLicense); err != nil {
		d.env.Log.Debug("license not asked again", "dataset", d.Recipe.ID, "error", err)
	}
	return d.permitted()
}

// newLicense asks all platforms; where one does not tell, what was known stays.
func (d *Dataset) newLicense(ctx context.Context) error {
	l := &license{Asked: d.env.now(), Places: d.places()}
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
	return nil
}
