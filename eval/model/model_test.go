package model

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

func ballMask(t testing.TB, dims ...int) *mask.Mask {
	m, err := mask.New(dims, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.FillBall(mask.Point{m.Shape()[0] / 2, 6, 7}, 3, true)
	return m
}

// imageOf is 100 inside the mask and 10 outside.
func imageOf(m *mask.Mask) *data.Image {
	raw := m.AppendBytes(nil, 90, mask.COrder)
	for i := range raw {
		raw[i] += 10
	}
	return &data.Image{Dims: m.Dims(), Channels: 1, Spacing: m.Spacing(), Type: data.Type{Bits: 8}, Slope: 1, Data: raw}
}

func caseOf(m *mask.Mask) *Case {
	return &Case{Dataset: "d", Case: "c", Class: "k", Dims: m.Dims(), Spacing: m.Spacing(), Truth: m,
		Load: func() (*data.Image, error) { return imageOf(m), nil }}
}

func step(t testing.TB, m *mask.Mask, users ...string) *Step {
	st := &Step{Index: 1}
	for _, name := range users {
		u, err := robot.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		p, ok, err := u.Prompt(robot.Of(m), robot.Key{}.Rand())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		st.New = append(st.New, p)
	}
	st.All = st.New
	return st
}

func TestRegionGrowFindsABrightBall(t *testing.T) {
	for _, user := range []string{"click:largest:center", "scribble:largest:centerline", "box:all:careful", "click:random:boundary"} {
		for _, m := range []*mask.Mask{ballMask(t, 14, 16), ballMask(t, 9, 14, 16)} {
			g, err := Open("region-grow")
			if err != nil {
				t.Fatal(err)
			}
			s, err := g.Open(t.Context(), caseOf(m))
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Step(t.Context(), step(t, m, user))
			if err != nil || !r.Mask.Equal(m) {
				t.Errorf("%s in %d-D: %d voxels of %d, %v", user, m.NDim(), r.Mask.Count(), m.Count(), err)
			}
		}
	}
}

func TestDirModelFindsItsLayouts(t *testing.T) {
	m := ballMask(t, 14, 16)
	var npy bytes.Buffer
	if err := data.WriteNPY(&npy, "|u1", m.Dims(), m.AppendBytes(nil, 1, mask.COrder)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"datasets/d/labels/k/c.npy", "d/k/c.npy", "k/c.npy", "c.npy"} {
		root := t.TempDir()
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, npy.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := Open("dir:" + root)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Open(t.Context(), caseOf(m))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if r, err := s.Step(t.Context(), &Step{}); err != nil || !r.Mask.Equal(m) {
			t.Errorf("%s: %v", path, err)
		}
		var f *Failure
		if _, err := d.Open(t.Context(), caseOf(ballMask(t, 14, 17))); !errors.As(err, &f) || f.Status != StatusBadResult {
			t.Errorf("%s: another shape: %v", path, err)
		}
	}
	d, _ := Open("dir:" + t.TempDir())
	var f *Failure
	if _, err := d.Open(t.Context(), caseOf(m)); !errors.As(err, &f) || f.Status != StatusMissing {
		t.Errorf("missing mask: %v", err)
	}
}

// An entry in Python reads what the challenge's own script would write, and
// answers with the ball around the click.
func TestNPZEntry(t *testing.T) {
	if exec.Command("/usr/bin/python3", "-c", "import numpy").Run() != nil {
		t.Skip("needs python3 with numpy")
	}
	script := filepath.Join(t.TempDir(), "entry.py")
	if err := os.WriteFile(script, []byte(`
import glob, numpy as np
for f in glob.glob("inputs/*.npz"):
    d = np.load(f, allow_pickle=True)
    assert d["imgs"].dtype == np.uint8 and d["imgs"].shape == d["prev_pred"].shape == (16, 14, 9), d["imgs"].shape
    assert d["spacing"].tolist() == [1, 1, 1]
    click = d["clicks"][0]
    assert list(click) == ["fg", "bg"] and len(click["fg"]) == 1 and click["bg"] == [], click
    assert list(d["clicks_order"][0]) == ["fg"]
    z, y, x = click["fg"][0]
    assert d["imgs"][z, y, x] == 255
    b = d["boxes"][0]
    seg = d["imgs"] > 128
    assert (b["z_min"], b["z_max"]) == (np.where(seg)[0].min(), np.where(seg)[0].max()), b
    assert (b["z_mid_y_min"], b["z_mid_x_max"]) == (np.where(seg)[1].min(), np.where(seg)[2].max()), b
    np.savez_compressed(f.replace("inputs", "outputs"), segs=seg.astype(np.uint8))
`), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	n, err := NewNPZ(Options{Command: "/usr/bin/python3 " + script, Timeout: time.Minute, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	m := ballMask(t, 9, 14, 16)
	s, err := n.Open(t.Context(), caseOf(m))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Step(t.Context(), step(t, m, "box:all:perfect", "click:largest:center"))
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if !r.Mask.Equal(m) {
		t.Errorf("%d voxels of %d", r.Mask.Count(), m.Count())
	}
}

func TestMaskCodings(t *testing.T) {
	m := ballMask(t, 5, 14, 16)
	var rle []byte
	n, on := uint32(0), false
	for _, b := range m.AppendBytes(nil, 1, mask.COrder) {
		if (b == 1) != on {
			rle = binary.LittleEndian.AppendUint32(rle, n)
			n, on = 0, !on
		}
		n++
	}
	rle = binary.LittleEndian.AppendUint32(rle, n)
	for coding, payload := range map[string][]byte{"bits": m.AppendBits(nil), "u8": m.AppendBytes(nil, 255, mask.COrder), "rle": rle} {
		got, err := (&message{Mask: coding, payload: payload}).decodeMask(m.Dims(), nil)
		if err != nil || !got.Equal(m) {
			t.Errorf("%s: %v", coding, err)
		}
		if _, err := (&message{Mask: coding, payload: payload[:len(payload)-4]}).decodeMask(m.Dims(), nil); err == nil {
			t.Errorf("%s cut short was accepted", coding)
		}
	}
	if _, err := (&message{Mask: "bits", Shape: []int{1, 2}, payload: m.AppendBits(nil)}).decodeMask(m.Dims(), nil); err == nil {
		t.Error("another shape was accepted")
	}
}

func TestMessageLimits(t *testing.T) {
	for name, text := range map[string]string{"not JSON": "hello\n", "negative": `{"type":"x","bytes":-1}` + "\n", "beyond the limit": `{"type":"x","bytes":11}` + "\n01234567890",
		"cut payload": `{"type":"x","bytes":9}` + "\n0123"} {
		if _, err := readMessage(bufio.NewReader(bytes.NewReader([]byte(text))), 10); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readMessage(bufio.NewReader(bytes.NewReader([]byte(`{"type":`))), 10); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut line: %v", err)
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("{\"type\":\"result\",\"mask\":\"bits\",\"bytes\":4}\n\x01\x02\x03\x04"))
	f.Add([]byte("{\"type\":\"result\",\"mask\":\"rle\",\"shape\":[4,7],\"bytes\":8}\n\x01\x00\x00\x00\x1b\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(bufio.NewReader(bytes.NewReader(b)), 1<<20)
		if err != nil {
			return
		}
		if got, err := m.decodeMask([]int{4, 7}, nil); err == nil && got.Voxels() != 28 {
			t.Fatal("mask of another size")
		}
	})
}
