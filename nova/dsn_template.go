package nova

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	placeholder = regexp.MustCompile(`\{\{|\}\}|\{(\w*)\}`)
	rawURL      = regexp.MustCompile(`^([^:/?#]+)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$`)
)

// expandTemplate fills a cell mapping's URL from the main database's, as
// nova/objects/cell_mapping.py does (CellMapping._format_url): the parts keep
// their percent escapes, and a main URL with several servers gives username1,
// hostname2 and so on. A URL without braces is returned as it is.
func expandTemplate(template, main string) (string, error) {
	if !strings.ContainsAny(template, "{}") {
		return template, nil
	}
	if main == "" {
		return "", fmt.Errorf("it is a template, and there is no [database] connection to fill it from")
	}
	parts, err := urlParts(main)
	if err != nil {
		return "", fmt.Errorf("fill the template from [database] connection: %w", err)
	}
	var unknown string
	filled := placeholder.ReplaceAllStringFunc(template, func(m string) string {
		if m == "{{" || m == "}}" {
			return m[:1]
		}
		key := m[1 : len(m)-1]
		v, ok := parts[key]
		if !ok {
			unknown = key
		}
		return v
	})
	if unknown != "" {
		return "", fmt.Errorf("the template asks for {%s}, which [database] connection does not have", unknown)
	}
	return filled, nil
}

// urlParts takes the main URL apart as Python's urlparse does, undecoded.
func urlParts(main string) (map[string]string, error) {
	m := rawURL.FindStringSubmatch(strings.TrimSpace(main))
	if m == nil {
		return nil, errNoURL
	}
	parts := map[string]string{
		"scheme":   m[1],
		"path":     strings.TrimLeft(m[3], "/"),
		"query":    m[4],
		"fragment": m[5],
	}
	addNetloc(parts, m[2], "")
	if strings.Contains(m[2], ",") {
		for i, one := range strings.Split(m[2], ",") {
			addNetloc(parts, one, strconv.Itoa(i+1))
		}
	}
	return parts, nil
}

// addNetloc adds user:password@host:port under names that end in suffix. A
// port that is missing is MySQL's own: Nova would write the word None.
func addNetloc(parts map[string]string, netloc, suffix string) {
	userinfo, hostport := "", netloc
	if i := strings.LastIndex(netloc, "@"); i >= 0 {
		userinfo, hostport = netloc[:i], netloc[i+1:]
	}
	user, password, _ := strings.Cut(userinfo, ":")
	host, port := hostport, ""
	if i := strings.LastIndex(hostport, ":"); i >= 0 && !strings.HasSuffix(hostport, "]") {
		host, port = hostport[:i], hostport[i+1:]
	}
	parts["username"+suffix] = user
	parts["password"+suffix] = password
	parts["hostname"+suffix] = host
	parts["port"+suffix] = orElse(port, "3306")
}
