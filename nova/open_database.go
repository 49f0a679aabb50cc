package nova

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"github.com/glebarez/sqlite"
	driver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Limits of one database's connection pool. Nova's own default is 5 and 50 a
// process; a batch tool has no right to more than the few it can keep busy.
// They are kept, for threads that read by turns would else connect anew.
const (
	maxConnections     = 8
	connectionLifetime = 5 * time.Minute // below the idle limits of load balancers before Galera
	maxPrepared        = 256             // statements kept per pool; IN lists come in many lengths
)

// openDatabase connects and reads which tables and columns there are. Its
// errors name the database by its label and never show the URL.
func openDatabase(ctx context.Context, c Config, label, address string) (*database, error) {
	d, err := parseURL(address)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", label, err)
	}
	pool, dialector, err := d.pool(c)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", label, err)
	}
	db, err := connect(ctx, c, label, pool, dialector)
	if err != nil {
		_ = pool.Close() // the error that matters is the one we return
		return nil, fmt.Errorf("open %s: %w", label, err)
	}
	return db, nil
}

// pool makes the connection pool; nothing is dialled yet.
func (d dsn) pool(c Config) (*sql.DB, gorm.Dialector, error) {
	switch d.dialect() {
	case "mysql":
		m, err := d.mysqlConfig(c)
		if err != nil {
			return nil, nil, err
		}
		connector, err := driver.NewConnector(m)
		if err != nil {
			return nil, nil, fmt.Errorf("options of the database URL: %w", err)
		}
		pool := sql.OpenDB(connector)
		// Without the version MariaDB is not asked for RETURNING: what works
		// on MySQL works on both.
		return pool, mysql.New(mysql.Config{Conn: pool, SkipInitializeWithVersion: true}), nil
	case "sqlite":
		pool, err := sql.Open(sqlite.DriverName, d.sqliteFile())
		if err != nil {
			return nil, nil, err
		}
		return pool, sqlite.Dialector{Conn: pool}, nil
	default:
		return nil, nil, fmt.Errorf("%s databases are not supported: Nova runs on MySQL or MariaDB", d.dialect())
	}
}

// sqliteFile is the driver's name for the file. It must exist: an empty
// database that we made ourselves would only be a more puzzling error.
// Transactions take the write lock at once, so that two of them wait for each
// other instead of failing half way.
func (d dsn) sqliteFile() string {
	file := url.URL{Scheme: "file", Path: d.database}
	return file.String() + "?mode=rw&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_txlock=immediate"
}

// connect dials within ConnectTimeout and introspects within QueryTimeout.
func connect(ctx context.Context, c Config, label string, pool *sql.DB, dialector gorm.Dialector) (*database, error) {
	pool.SetMaxOpenConns(maxConnections)
	pool.SetMaxIdleConns(maxConnections)
	pool.SetConnMaxLifetime(connectionLifetime)

	dial, cancel := context.WithTimeout(ctx, c.ConnectTimeout)
	defer cancel()
	if err := pool.PingContext(dial); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	orm, err := gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		PrepareStmt:            true,
		PrepareStmtMaxSize:     maxPrepared,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Second) },
	})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := orm.Use(statementLog{log: c.Logger.With("database", label)}); err != nil {
		return nil, fmt.Errorf("log statements: %w", err)
	}
	db := &database{DB: orm, label: label, timeout: c.QueryTimeout}
	read, cancel := context.WithTimeout(ctx, c.QueryTimeout)
	defer cancel()
	if db.columns, err = readColumns(db.WithContext(read)); err != nil {
		return nil, fmt.Errorf("read which tables there are: %w", err)
	}
	return db, nil
}

// close ends the pool. Reading has nothing to lose at this point, so an error
// changes nothing for anybody.
func (d *database) close() error {
	pool, err := d.DB.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}
