package sources

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

func init() { Register("ftp", func(c *Client) Source { return ftpSource{c} }) }

// ftpSource is a server of anonymous FTP, which --allow-http permits. The
// record is "ftp://host/folder/", whose tree is listed, or the URL of one file;
// or empty, where a recipe gives the URL of each file. Package fetch gets the
// bytes, with REST for ranges. There are no checksums, and no users: a URL
// with a password would be kept in recipes.
type ftpSource struct{ c *Client }

const ftpFolders = 100_000 // of one tree

func (s ftpSource) Files(ctx context.Context, record string) ([]File, error) {
	if record == "" {
		return nil, nil
	}
	u, err := url.Parse(record)
	if err != nil || !isFTP(record) || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.ContainsAny(u.Path, "\x00\r\n") {
		return nil, badRecord(record, "ftp://host/folder/ without user")
	}
	var l listing
	base := "ftp://" + u.Host + "/"
	top := strings.TrimPrefix(u.Path, "/")
	if top != "" && !strings.HasSuffix(top, "/") {
		l.add(top[strings.LastIndexByte(top, '/')+1:], -1, "", base+escapePath(top))
		return l.done(record)
	}
	folders := []string{""}
	for len(folders) > 0 {
		dir := folders[0]
		folders = folders[1:]
		body, _, err := s.c.getPage(ctx, base+escapePath(top+dir), "", apiBytes)
		if err != nil {
			return nil, fmt.Errorf("record %.200q: %w", record, err)
		}
		more, err := parseFTP(&l, body, dir, base+escapePath(top))
		if err != nil {
			return nil, fmt.Errorf("record %.200q: %w", record, err)
		}
		if folders = append(folders, more...); len(folders) > ftpFolders {
			return nil, fmt.Errorf("record %.200q: %w: more than %d folders", record, ErrServer, ftpFolders)
		}
	}
	return l.done(record)
}

// parseFTP reads one folder's listing, as package fetch gives it, and returns
// the folders in it.
func parseFTP(l *listing, body []byte, dir, base string) (folders []string, err error) {
	var entries []fetch.FTPEntry
	if err := decode(body, &entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		switch {
		case e.Name == "." || e.Name == "..":
		case e.Name == "" || strings.ContainsAny(e.Name, "/\\\x00\r\n"):
			return nil, fmt.Errorf("%w: file name %.200q", ErrServer, e.Name)
		case e.Folder && strings.Count(dir, "/") >= 64:
			return nil, errors.New("folders more than 64 deep")
		case e.Folder:
			folders = append(folders, dir+e.Name+"/")
		default:
			l.add(dir+e.Name, e.Size, "", base+escapePath(dir+e.Name))
		}
	}
	return folders, l.err
}
