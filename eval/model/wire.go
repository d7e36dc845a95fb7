package model

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Protocol is the version of the worker protocol.
//
// Both sides write messages: one line of JSON, then as many bytes of payload
// as its "bytes" says. The worker reads from file descriptor 3 and writes to 4
// (or uses one unix socket for both), so that its prints harm nothing.
//
//	worker   {"type":"hello","protocol":1,"name","version","dims":[2,3],
//	          "prompts":["click",…],"image":"path"|"raw","batch":1,"device"}
//	omnieval {"type":"image","image":ID,"shape","dtype","order","channels",
//	          "slope","inter","bytes"} + samples        only if the worker asks for "raw"
//	omnieval {"type":"open","session":N,"dataset","case","class","shape",
//	          "spacing","affine","paths","image":ID}
//	worker   {"type":"opened","session":N}  or with "error":TEXT
//	omnieval {"type":"step","session":N,"step":K,"new":[…],"prompts":[…],
//	          "previous":"bits","bytes"} + mask         previous from the second step on
//	worker   {"type":"result","session":N,"step":K,"mask":"bits"|"u8"|"rle",
//	          "shape","ms","peak_mem","bytes"} + mask   or with "error":TEXT
//	omnieval {"type":"close","session":N}, {"type":"forget","image":ID},
//	         {"type":"ping"} -> {"type":"pong"}, {"type":"bye"}
//
// Shapes and points are in array-axis order, masks in C order. "bits" is
// numpy.packbits(mask, bitorder="little"); "u8" one byte a voxel; "rle" run
// lengths as little-endian uint32, zeros first.
const Protocol = 1

// Limits of a message that is read.
const (
	maxLine    = 16 << 20
	maxPayload = mask.MaxVoxels
)

// ErrProtocol marks bytes that are no message of the protocol.
var ErrProtocol = errors.New("worker protocol broken")

// message is any message of the protocol.
type message struct {
	Type     string         `json:"type"`
	Session  uint64         `json:"session,omitempty"`
	Protocol int            `json:"protocol,omitempty"`
	Name     string         `json:"name,omitempty"`
	Version  string         `json:"version,omitempty"`
	NDims    []int          `json:"dims,omitempty"`
	Batch    int            `json:"batch,omitempty"`
	Device   string         `json:"device,omitempty"`
	Image    string         `json:"image,omitempty"`
	Dataset  string         `json:"dataset,omitempty"`
	Case     string         `json:"case,omitempty"`
	Class    string         `json:"class,omitempty"`
	Shape    []int          `json:"shape,omitempty"`
	Spacing  []float64      `json:"spacing,omitempty"`
	Affine   [][]float64    `json:"affine,omitempty"`
	Paths    []string       `json:"paths,omitempty"`
	DType    string         `json:"dtype,omitempty"`
	Order    string         `json:"order,omitempty"`
	Channels int            `json:"channels,omitempty"`
	Slope    float64        `json:"slope,omitempty"`
	Inter    float64        `json:"inter,omitempty"`
	Step     *int           `json:"step,omitempty"`
	New      []robot.Prompt `json:"new,omitempty"`
	// Prompts are prompts in a step and names of kinds in a hello.
	Prompts  json.RawMessage    `json:"prompts,omitempty"`
	Previous string             `json:"previous,omitempty"`
	Mask     string             `json:"mask,omitempty"`
	MS       float64            `json:"ms,omitempty"`
	PeakMem  int64              `json:"peak_mem,omitempty"`
	Metrics  map[string]float64 `json:"metrics,omitempty"`
	Error    string             `json:"error,omitempty"`
	Bytes    int64              `json:"bytes,omitempty"`

	payload []byte
}

// writeMessage writes m and its payload.
func writeMessage(w io.Writer, m *message) error {
	m.Bytes = int64(len(m.payload))
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return err
	}
	if len(m.payload) > 0 {
		_, err = w.Write(m.payload)
	}
	return err
}

// readMessage reads one message. A payload longer than limit is refused unread.
func readMessage(r *bufio.Reader, limit int64) (*message, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	m := new(message)
	if err := json.Unmarshal(line, m); err != nil {
		return nil, fmt.Errorf("%w: %.80q: %w", ErrProtocol, line, err)
	}
	if m.Bytes < 0 || m.Bytes > limit {
		return nil, fmt.Errorf("%w: payload of %d bytes, at most %d", ErrProtocol, m.Bytes, limit)
	}
	m.payload = make([]byte, 0, min(m.Bytes, 1<<20)) // grows only as bytes arrive
	for int64(len(m.payload)) < m.Bytes {
		n := min(m.Bytes-int64(len(m.payload)), max(1<<20, int64(len(m.payload))))
		at := len(m.payload)
		m.payload = append(m.payload, make([]byte, n)...)
		if _, err := io.ReadFull(r, m.payload[at:]); err != nil {
			return nil, fmt.Errorf("%w: payload: %w", ErrProtocol, err)
		}
	}
	return m, nil
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			if len(line) > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		case len(line) > maxLine:
			return nil, fmt.Errorf("%w: line longer than %d bytes", ErrProtocol, maxLine)
		}
	}
}

// decodeMask reads the mask of a result for a case of the given axes.
func (m *message) decodeMask(dims []int, spacing []float64) (*mask.Mask, error) {
	if len(m.Shape) > 0 && fmt.Sprint(m.Shape) != fmt.Sprint(dims) {
		return nil, fmt.Errorf("mask of shape %v, the case has %v", m.Shape, dims)
	}
	out, err := mask.New(dims, spacing)
	if err != nil {
		return nil, err
	}
	switch m.Mask {
	case "bits":
		err = out.SetBits(m.payload)
	case "u8":
		err = out.SetBytes(dims, spacing, m.payload, mask.COrder)
	case "rle":
		var raw []byte
		if raw, err = expandRuns(m.payload, out.Voxels()); err == nil {
			err = out.SetBytes(dims, spacing, raw, mask.COrder)
		}
	default:
		err = fmt.Errorf("mask coded as %q, want bits, u8 or rle", m.Mask)
	}
	return out, err
}

// expandRuns decodes run lengths, zeros first, to one byte a voxel.
func expandRuns(payload []byte, voxels int) ([]byte, error) {
	if len(payload)%4 != 0 {
		return nil, fmt.Errorf("rle of %d bytes, want a multiple of 4", len(payload))
	}
	out := make([]byte, 0, voxels)
	on := byte(0)
	for ; len(payload) > 0; payload = payload[4:] {
		n := int(binary.LittleEndian.Uint32(payload))
		if n > voxels-len(out) {
			return nil, fmt.Errorf("rle runs beyond %d voxels", voxels)
		}
		at := len(out)
		out = out[:at+n]
		if on == 1 {
			for i := at; i < at+n; i++ {
				out[i] = 1
			}
		}
		on ^= 1
	}
	if len(out) != voxels {
		return nil, fmt.Errorf("rle of %d voxels, want %d", len(out), voxels)
	}
	return out, nil
}
