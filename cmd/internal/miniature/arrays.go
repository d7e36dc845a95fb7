package miniature

import (
	"archive/zip"
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// encodeArrays writes an .npy, or an .npz of the arrays that the addresses name.
func encodeArrays(format string, pieces []piece) ([]byte, error) {
	byName := map[string][]piece{}
	for _, p := range pieces {
		name, _, _ := strings.Cut(p.array, "[")
		byName[name] = append(byName[name], p)
	}
	if format == ".npy" {
		if len(byName) != 1 {
			return nil, cannot("several arrays in an .npy")
		}
		for _, list := range byName {
			return npyBytes(list)
		}
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i, name := range names {
		data, err := npyBytes(byName[name])
		if err != nil {
			return nil, err
		}
		if name == "" {
			name = "arr_0"
		}
		method := zip.Store
		if i%2 == 1 {
			method = zip.Deflate
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: method})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return buf.Bytes(), err
}

// npyBytes writes one array: a picture, or pictures along its first axis.
func npyBytes(list []piece) ([]byte, error) {
	if strings.Contains(list[0].array, ",") {
		return npyChannels(list)
	}
	entry := func(p piece) (int, bool, error) {
		_, index, ok := strings.Cut(p.array, "[")
		if !ok {
			return 0, false, nil
		}
		k, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil {
			return 0, false, cannot("the address [%s", index)
		}
		return k, true, nil
	}
	pics := make([]*Picture, 0, len(list))
	stacked := false
	for _, p := range list {
		k, is, err := entry(p)
		if err != nil {
			return nil, err
		}
		stacked = is
		for len(pics) <= k {
			pics = append(pics, nil)
		}
		pics[k] = p.pic
	}
	first := list[0].pic
	for i := range pics {
		if pics[i] == nil {
			pics[i] = first.like(first.C)
		}
		if pics[i].C != first.C || pics[i].W != first.W || pics[i].H != first.H {
			promote(pics[i], first.C)
		}
	}
	if !stacked && len(list) > 1 {
		return nil, cannot("several pictures as one array")
	}
	n := numberFor(pics)
	var shape []string
	if stacked {
		shape = append(shape, strconv.Itoa(len(pics)))
	}
	if first.D > 1 {
		shape = append(shape, strconv.Itoa(first.D))
	}
	shape = append(shape, strconv.Itoa(first.H), strconv.Itoa(first.W))
	if first.C > 1 {
		shape = append(shape, strconv.Itoa(first.C))
	}
	out := npyHead(n, strings.Join(shape, ", "))
	for _, p := range pics {
		for _, v := range p.Px {
			out = n.append(out, v)
		}
	}
	return out, nil
}

// npyChannels writes pictures whose addresses name channels: [:,:,3], or
// [12,:,:,0:3] where entries stand along the first axis.
func npyChannels(list []piece) ([]byte, error) {
	type place struct{ entry, from int }
	places := make([]place, len(list))
	entries, channels, stacked := 1, 1, false
	first := list[0].pic
	for i, p := range list {
		_, index, _ := strings.Cut(p.array, "[")
		words := strings.Split(strings.TrimSuffix(index, "]"), ",")
		stacked = len(words) == 4
		if stacked {
			n, err := strconv.Atoi(strings.TrimSpace(words[0]))
			if err != nil {
				return nil, cannot("the address %s", p.array)
			}
			places[i].entry, words = n, words[1:]
		}
		from, _, _ := strings.Cut(strings.TrimSpace(words[len(words)-1]), ":")
		n, err := strconv.Atoi(from)
		if err != nil || len(words) != 3 || strings.TrimSpace(words[0]) != ":" || strings.TrimSpace(words[1]) != ":" {
			return nil, cannot("the address %s", p.array)
		}
		places[i].from = n
		entries, channels = max(entries, places[i].entry+1), max(channels, n+p.pic.C)
		if p.pic.W != first.W || p.pic.H != first.H || p.pic.D != 1 {
			return nil, cannot("channels of several sizes")
		}
	}
	all := newPicture(first.W, first.H*entries, 1, channels)
	for i, p := range list {
		at := places[i]
		for j := range p.pic.pixels() {
			to := (at.entry*first.pixels()+j)*channels + at.from
			copy(all.Px[to:to+p.pic.C], p.pic.Px[j*p.pic.C:(j+1)*p.pic.C])
		}
	}
	shape := fmt.Sprintf("%d, %d, %d", first.H, first.W, channels)
	if stacked {
		shape = fmt.Sprintf("%d, %s", entries, shape)
	}
	n := numberFor([]*Picture{all})
	out := npyHead(n, shape)
	for _, v := range all.Px {
		out = n.append(out, v)
	}
	return out, nil
}

// npyHead is the header of version 1.
func npyHead(n number, shape string) []byte {
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", n.numpy, shape)
	for (10+len(head)+1)%64 != 0 {
		head += " "
	}
	head += "\n"
	return append(append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8)), head...)
}
