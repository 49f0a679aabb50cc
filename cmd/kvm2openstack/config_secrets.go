package main

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"gopkg.in/ini.v1"
)

// isURL tells a URL from a file name.
func isURL(s string) bool { return strings.Contains(s, "://") }

var secretRef = regexp.MustCompile(`\$\{([^}]*)\}`)

// expandSecrets puts environment variables (${NAME}) and the content of
// 0600 files (${file:/path}) into s. Inside a URL they are percent-encoded,
// for a password with "@" or "/" in it is taken as it is.
//
// A password written out in a configuration that others can read is refused.
func expandSecrets(s *string, configFile string) error {
	if err := checkLiteralPassword(*s, configFile); err != nil {
		return err
	}
	inURL := isURL(*s)
	var failed error
	*s = secretRef.ReplaceAllStringFunc(*s, func(ref string) string {
		value, err := secretValue(ref[2 : len(ref)-1])
		if err != nil {
			failed = err
		}
		if inURL {
			// A path may have "@" and ":" in it, a password in a URL may not.
			return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
		}
		return value
	})
	return failed
}

// checkLiteralSecret refuses a secret that is written out, and is no part of a
// URL, in a file that others can read.
func checkLiteralSecret(what, s, configFile string) error {
	if secretRef.ReplaceAllString(s, "") == "" {
		return nil
	}
	if err := checkPrivate(configFile); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// secretValue is what ${name} stands for.
func secretValue(name string) (string, error) {
	path, isFile := strings.CutPrefix(name, "file:")
	if !isFile {
		value, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("environment variable %s is not set", name)
		}
		return value, nil
	}
	if err := checkPrivate(path); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// checkPrivate refuses a file that others can read.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read secret: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s holds a secret and others can read it (mode %04o): chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}

// checkLiteralPassword refuses a URL with a password written out in a file
// that others can read.
func checkLiteralPassword(s, configFile string) error {
	u, err := url.Parse(secretRef.ReplaceAllString(s, ""))
	if err != nil || u.User == nil {
		return nil // a URL that does not parse is reported where it is opened
	}
	if password, _ := u.User.Password(); password == "" {
		return nil
	}
	return checkPrivate(configFile)
}

// readNovaConf takes from nova.conf what the configuration does not say
// itself: [api_database] and [database] connection, instance_name_template,
// instances_path, and of [libvirt] images_type and what shapes the guests.
func (n *novaConfig) readNovaConf(path string) error {
	f, err := ini.LoadSources(ini.LoadOptions{
		IgnoreInlineComment:      true, // oslo.config has none: "#" may be part of a password
		SpaceBeforeInlineComment: false,
		AllowShadows:             true, // MultiStrOpt options repeat
		AllowBooleanKeys:         true,
	}, path)
	if err != nil {
		return fmt.Errorf("read nova_conf: %w", err)
	}
	take := func(to *string, section, key string) {
		if v := f.Section(section).Key(key).Value(); *to == "" && v != "" {
			*to = strings.ReplaceAll(v, "$state_path", stateOr(f, "/var/lib/nova"))
		}
	}
	take(&n.APIDatabase, "api_database", "connection")
	take(&n.MainDatabase, "database", "connection")
	take(&n.InstanceNameTemplate, "DEFAULT", "instance_name_template")
	take(&n.InstancesPath, "DEFAULT", "instances_path")
	take(&n.ImagesType, "libvirt", "images_type")
	n.Libvirt.read(f.Section("libvirt"))
	take(&n.UniqueNameScope, "DEFAULT", "osapi_compute_unique_server_name_scope")
	if n.APIDatabase == "" {
		return fmt.Errorf("%s has no [api_database] connection: take the nova.conf of nova-api or nova-conductor, for a compute host's has none", path)
	}
	return nil
}

// stateOr is state_path of nova.conf.
func stateOr(f *ini.File, def string) string {
	if v := f.Section("DEFAULT").Key("state_path").Value(); v != "" {
		return v
	}
	return def
}
