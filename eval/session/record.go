package session

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Statuses of a step beside those of model failures.
const (
	StatusOK      = "ok"
	StatusIdle    = "idle"    // nothing to point at: prediction carried forward, model not called
	StatusStopped = "stopped" // the goal was reached before: values carried forward
)

// Record is a line of steps.jsonl: a step and how good its prediction is.
type Record struct {
	Unit
	Step   int    `json:"step"`
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
	// Prompts are what was drawn in this step, null where nothing was.
	Prompts []robot.Prompt `json:"prompts"`
	// Metrics are null where undefined; MetricStatus says which masks were
	// empty, Penalty (mm) stands in for undefined distances when averaging.
	Metrics      map[string]*float64 `json:"metrics"`
	MetricStatus string              `json:"metric_status"`
	Penalty      float64             `json:"penalty_mm"`
	Shape        []int               `json:"shape"`
	Spacing      []float64           `json:"spacing"`
}

// Failed tells whether the model failed in this step or before it.
func (r *Record) Failed() bool {
	return r.Status != StatusOK && r.Status != StatusIdle && r.Status != StatusStopped
}

// Timing is a line of timings.jsonl, in milliseconds. Times differ from run to
// run and so are kept out of the records.
type Timing struct {
	Unit
	Step     int     `json:"step"`
	Simulate float64 `json:"simulate_ms"` // drawing the prompts
	Wall     float64 `json:"wall_ms"`     // the model, as omnieval sees it
	Model    float64 `json:"model_ms"`    // the model, as it says itself
	Metric   float64 `json:"metric_ms"`
	Peak     int64   `json:"peak_mem,omitempty"` // bytes
}

// Final is a line of finals.jsonl: a unit's last prediction, for pictures.
type Final struct {
	Unit
	Runs string `json:"runs"` // base64 of run lengths as varints, zeros first, C order
}

// Decode fills m, whose axes are set, with the final prediction.
func (f *Final) Decode(m *mask.Mask) error {
	raw, err := base64.StdEncoding.DecodeString(f.Runs)
	if err != nil {
		return fmt.Errorf("final mask: %w", err)
	}
	m.Clear()
	shape := m.Shape()
	at, on := 0, false
	for len(raw) > 0 {
		v, n := binary.Uvarint(raw)
		if n <= 0 || v > uint64(m.Voxels()-at) {
			return errors.New("final mask: broken runs")
		}
		raw = raw[n:]
		for end := at + int(v); at < end; {
			row := at / shape[2]
			x := at % shape[2]
			stop := min(shape[2], x+end-at)
			if on {
				p := mask.Point{row / shape[1], row % shape[1], x}
				m.FillBox(mask.Box{Min: p, Max: mask.Point{p[0] + 1, p[1] + 1, stop}})
			}
			at += stop - x
		}
		on = !on
	}
	return nil
}

// appendFinal appends the line of a Final, without other copies of the mask
// than its runs: those of a ragged volume are tens of megabytes.
func appendFinal(dst []byte, u Unit, m *mask.Mask) ([]byte, error) {
	line, err := appendLine(nil, Final{Unit: u})
	if err != nil {
		return dst, err
	}
	head, tail := line[:len(line)-len(finalEnd)], line[len(line)-len(finalEnd):]
	raw := encodeRuns(m)
	dst = slices.Grow(dst, len(line)+base64.StdEncoding.EncodedLen(len(raw)))
	dst = base64.StdEncoding.AppendEncode(append(dst, head...), raw)
	return append(dst, tail...), nil
}

// finalEnd ends the line of a Final, whose runs are its last field.
const finalEnd = "\"}\n"

// encodeRuns codes m as run lengths.
func encodeRuns(m *mask.Mask) []byte {
	shape := m.Shape()
	var raw []byte
	done := 0 // voxels coded
	start, end := -1, -1
	flush := func() {
		if start >= 0 {
			raw = binary.AppendUvarint(raw, uint64(start-done))
			raw = binary.AppendUvarint(raw, uint64(end-start))
			done = end
		}
	}
	for p := range m.All() {
		i := (p[0]*shape[1]+p[1])*shape[2] + p[2]
		if i != end {
			flush()
			start = i
		}
		end = i + 1
	}
	flush()
	return raw
}

// appendLine appends v as one line of JSON.
func appendLine(dst []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return append(dst, buf.Bytes()...), nil
}

// maxRecord bounds one line that is read back: a final mask of a large volume.
const maxRecord = 1 << 30

// eachLine calls f for every complete line and where it ends. A last line
// without its end is left out.
func eachLine(r io.Reader, f func(line []byte, end int64) error) error {
	br := bufio.NewReaderSize(r, 1<<20)
	var line []byte
	var at int64
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			at += int64(len(line))
			if err := f(line, at); err != nil {
				return err
			}
			line = line[:0]
		case errors.Is(err, bufio.ErrBufferFull):
			if len(line) > maxRecord {
				return fmt.Errorf("line at %d is longer than %d bytes", at, maxRecord)
			}
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}
