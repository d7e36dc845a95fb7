package report

import (
	"fmt"
	"sort"
	"strconv"

	"github.com/omnimedseg/omnimedfs/eval/session"
)

// timeRow is the times of one user's interactions.
type timeRow struct{ User, Model, Simulate, Metric string }

// times reads timings.jsonl. A model that does not measure itself is measured
// from outside.
func (r *Run) times() ([]timeRow, error) {
	byUser := make(map[string]*[3][]float64)
	err := session.Timings(r.Dir, func(t *session.Timing) error {
		if t.Wall == 0 && t.Simulate == 0 {
			return nil // carried forward: nothing was done
		}
		b := byUser[t.User]
		if b == nil {
			b = new([3][]float64)
			byUser[t.User] = b
		}
		model := t.Model
		if model == 0 {
			model = t.Wall
		}
		b[0], b[1], b[2] = append(b[0], model), append(b[1], t.Simulate), append(b[2], t.Metric)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows []timeRow
	for _, u := range r.Info.Config.Users {
		if b := byUser[u]; b != nil {
			rows = append(rows, timeRow{u, spread(b[0]), spread(b[1]), spread(b[2])})
		}
	}
	return rows, nil
}

func spread(v []float64) string {
	sort.Float64s(v)
	return fmt.Sprintf("%.3g / %.3g", quantile(v, 0.5), quantile(v, 0.95))
}

// CVPR25File has the columns of the CVPR 2025 challenge's own table.
const CVPR25File = "cvpr25.csv"

// writeCVPR25 writes that table for runs under the preset cvpr25: six
// predictions, the box and five clicks, areas over the clicks, raw. It holds
// times and so differs from run to run.
func (r *Run) writeCVPR25() error {
	dsc, nsd := r.index("dice"), r.index("nsd_cvpr25@2")
	if r.Info.Config.Preset != "cvpr25" || dsc < 0 || nsd < 0 {
		return nil
	}
	times := make(map[session.Unit][]float64)
	if err := session.Timings(r.Dir, func(t *session.Timing) error {
		times[t.Unit] = append(times[t.Unit], t.Wall/1000)
		return nil
	}); err != nil {
		return err
	}
	steps := len(r.units[0].steps)
	header := []string{"CaseName", "TotalRunningTime"}
	columns := func(prefix string) {
		for i := range steps {
			header = append(header, prefix+strconv.Itoa(i+1))
		}
	}
	columns("RunningTime_")
	header = append(header, "DSC_AUC", "NSD_AUC", "DSC_Final", "NSD_Final")
	columns("DSC_")
	columns("NSD_")
	return r.write(CVPR25File, header, func(line func([]string) error) error {
		for i := range r.units {
			if err := line(r.cvpr25Line(&r.units[i], times[r.units[i].Unit], dsc, nsd)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Run) cvpr25Line(u *unit, seconds []float64, dsc, nsd int) []string {
	total := 0.0
	running := make([]string, len(u.steps))
	for i := range running {
		if i < len(seconds) {
			total += seconds[i]
			running[i] = number(seconds[i])
		}
	}
	line := append([]string{u.Dataset + "/" + u.Case + "/" + u.Class, number(total)}, running...)
	d, n := u.curves[dsc], u.curves[nsd]
	line = append(line, number(d.Last(5).AUCRaw()), number(n.Last(5).AUCRaw()), number(d.Final()), number(n.Final()))
	for _, c := range []int{dsc, nsd} {
		for _, v := range u.curves[c].Values {
			line = append(line, number(v))
		}
	}
	return line
}
