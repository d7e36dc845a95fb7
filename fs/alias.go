package fs

import (
	"fmt"
	"strings"
	"sync"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// aliases finds the folders that files of the views stand in as well.
type aliases struct {
	mu      sync.RWMutex
	folders map[string]*folder
}

// alias returns the id and the node that stand for n everywhere: those of the
// file that it is an alias of, else its own.
func (s *rawFS) alias(cancel <-chan struct{}, id uint64, n tree.Node) (uint64, tree.Node, error) {
	a, ok := n.(tree.Aliased)
	if !ok {
		return id, n, nil
	}
	dir, name := a.Alias()
	f, err := s.aliasFolder(cancel, dir)
	if err != nil {
		return 0, nil, err
	}
	i, ok := f.dir.Find(name)
	if !ok {
		return 0, nil, fmt.Errorf("alias of %s/%s: %w", dir, name, tree.ErrNotExist)
	}
	return f.base + uint64(i), f.dir.Child(i), nil
}

// aliasFolder returns the loaded folder at a path below the root.
func (s *rawFS) aliasFolder(cancel <-chan struct{}, dir string) (*folder, error) {
	s.aliases.mu.RLock()
	f := s.aliases.folders[dir]
	s.aliases.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	f = s.ids.folder(rootID)
	if err := s.load(cancel, f); err != nil {
		return nil, err
	}
	for elem := range strings.SplitSeq(dir, "/") {
		i, ok := f.dir.Find(elem)
		if !ok {
			return nil, fmt.Errorf("alias into %s: %w", dir, tree.ErrNotExist)
		}
		if f = s.ids.folder(f.base + uint64(i)); f == nil {
			return nil, fmt.Errorf("alias into %s: %s is no folder", dir, elem)
		}
		if err := s.load(cancel, f); err != nil {
			return nil, err
		}
	}
	s.aliases.mu.Lock()
	defer s.aliases.mu.Unlock()
	if s.aliases.folders == nil {
		s.aliases.folders = map[string]*folder{}
	}
	s.aliases.folders[dir] = f
	return f, nil
}
