package report

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// Names of the tables in a run's folder.
const (
	CasesFile   = "cases.csv"
	SummaryFile = "summary.csv"
)

// Tables writes cases.csv (a line for every unit) and summary.csv (means with
// 95 % intervals) into the folder of a run.
func Tables(dir string) error {
	r, err := Load(dir, false)
	if err != nil {
		return err
	}
	return errors.Join(
		r.write(CasesFile, r.caseHeader(), func(line func([]string) error) error {
			for i := range r.units {
				if err := line(r.caseLine(&r.units[i])); err != nil {
					return err
				}
			}
			return nil
		}),
		r.writeSummary())
}

// write writes one CSV file all or nothing.
func (r *Run) write(name string, header []string, lines func(line func([]string) error) error) (err error) {
	path := filepath.Join(r.Dir, name)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	buf := bufio.NewWriter(f)
	w := csv.NewWriter(buf)
	if err := w.Write(header); err != nil {
		return err
	}
	if err := lines(w.Write); err != nil {
		return err
	}
	w.Flush()
	if err := errors.Join(w.Error(), buf.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func (r *Run) caseHeader() []string {
	h := []string{"dataset", "case", "class", "user", "trial", "status", "failed_steps", "gt_empty", "first_step", "steps"}
	for i, n := range r.names {
		h = append(h, n+"_auc", n+"_auc_raw", n+"_final", n+"_best")
		if r.lower[i] {
			h = append(h, n+"_auc_penalized", n+"_final_penalized")
		}
	}
	for _, t := range r.Info.Config.NoC {
		at := r.nocName(t)
		h = append(h, "noc@"+at, "nof@"+at)
	}
	return h
}

// nocName is a target as column names have it: "90" for 0.9.
func (r *Run) nocName(t float64) string { return number(t * 100) }

func (r *Run) caseLine(u *unit) []string {
	line := []string{u.Dataset, u.Case, u.Class, u.User, strconv.Itoa(u.Trial), u.status, strconv.Itoa(u.failed),
		strconv.FormatBool(u.gtEmpty()), strconv.Itoa(u.steps[0]), strconv.Itoa(len(u.steps))}
	for i, c := range u.curves {
		s := r.summed(c).Summarize(!r.lower[i])
		line = append(line, number(s.AUC), number(s.AUCRaw), number(s.Final), number(s.Best))
		if r.lower[i] {
			p := r.summed(u.filled[i]).Summarize(false)
			line = append(line, number(p.AUC), number(p.Final))
		}
	}
	for _, t := range r.Info.Config.NoC {
		n := u.curves[r.main()].NoC(t)
		line = append(line, strconv.Itoa(n.N), strconv.FormatBool(n.Failed))
	}
	return line
}

// number prints the shortest text that reads back the same, "" for what is
// undefined. Rounding to 12 digits hides the last bits of sums.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strconv.FormatFloat(short, 'g', -1, 64)
}
