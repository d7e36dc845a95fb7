package sources

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
)

func init() { Register("s3", func(c *Client) Source { return s3{c} }) }

// s3 is a public bucket, asked without a signature (ListObjectsV2). The record
// is "bucket/prefix", or "https://endpoint/bucket/prefix" where the bucket is
// not at AWS.
type s3 struct{ c *Client }

type s3Page struct {
	XMLName  xml.Name `xml:"ListBucketResult"`
	Next     string   `xml:"NextContinuationToken"`
	More     bool     `xml:"IsTruncated"`
	Contents []struct {
		Key, ETag string
		Size      int64
	}
}

// s3Place splits a record into the URL of the bucket and the prefix.
func s3Place(record string) (base, prefix string, err error) {
	rest, host := strings.TrimPrefix(record, "s3://"), ""
	if isHTTP(record) {
		u, err := url.Parse(record)
		if err != nil || u.Host == "" || u.RawQuery != "" {
			return "", "", badRecord(record, "https://endpoint/bucket/prefix")
		}
		host, rest = u.Scheme+"://"+u.Host, strings.TrimPrefix(u.Path, "/")
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !plainID(bucket, "-._") || strings.ContainsRune(prefix, 0) {
		return "", "", badRecord(record, "bucket/prefix")
	}
	switch {
	case host != "":
		base = host + "/" + bucket
	case strings.Contains(bucket, "."): // the certificate has one level only
		base = "https://s3.amazonaws.com/" + bucket
	default:
		base = "https://" + bucket + ".s3.amazonaws.com"
	}
	return base, prefix, nil
}

// Files lists the keys under the prefix; names are relative to the prefix's
// last slash.
func (s s3) Files(ctx context.Context, record string) ([]File, error) {
	base, prefix, err := s3Place(record)
	if err != nil {
		return nil, err
	}
	var l listing
	if err := s.list(ctx, &l, base, prefix, ""); err != nil {
		return nil, err
	}
	return l.done(record)
}

func (s s3) list(ctx context.Context, l *listing, base, prefix, folder string) error {
	token := ""
	for range apiPages {
		q := url.Values{"list-type": {"2"}, "prefix": {prefix}}
		if token != "" {
			q.Set("continuation-token", token)
		}
		body, err := s.c.Get(ctx, base+"/?"+q.Encode(), apiBytes)
		if err != nil {
			return err
		}
		page, err := parseS3(l, body, base, prefix, folder)
		if err != nil {
			return err
		}
		if !page.More {
			return nil
		}
		if page.Next == "" || page.Next == token {
			break
		}
		token = page.Next
	}
	return fmt.Errorf("%w: a listing without end", ErrServer)
}

// parseS3 adds a page's objects. An ETag that is 32 hex digits is the MD5 of
// an object that was not uploaded in parts.
func parseS3(l *listing, body []byte, base, prefix, folder string) (*s3Page, error) {
	var page s3Page
	if err := xml.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("%w: not a bucket's listing: %w", ErrServer, err)
	}
	strip := prefix[:strings.LastIndexByte(prefix, '/')+1]
	for _, o := range page.Contents {
		name, ok := strings.CutPrefix(o.Key, strip)
		if !ok {
			return nil, fmt.Errorf("%w: key %.200q is not under %q", ErrServer, o.Key, prefix)
		}
		if strings.HasSuffix(o.Key, "/") {
			continue // the console's mark of a folder
		}
		l.add(folder+name, o.Size, sum("md5", strings.Trim(o.ETag, `"`)), base+"/"+escapePath(o.Key))
	}
	return &page, l.err
}
