//! The command line.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::cases::Case;
use crate::exchange::Target;

pub const USAGE: &str = "usage: load [options] HOST:PORT|http://HOST:PORT|/path.sock|unix:/path.sock

  --requests N      stop after N requests (default: 1000)
  --seconds S       stop after S seconds
  --until-eof       stop when standard input ends
  --concurrency C   connections at a time (default: 8)
  --path PATH       request PATH; repeatable, taken in turn; {n} in it is the request's number (default: /)
  --paths FILE      the same, one path a line
  --cases FILE      send what its lines say, in turn: `STATUS REQUEST-FILE [BODY-FILE]` for a request and the response it has
                    to get, `broken REQUEST-FILE` if that has to break off, `reset REQUEST-FILE` to reset the connection
                    then, `reset-late REQUEST-FILE` to do so when the response has begun; files are named from the
                    directory of FILE
  --timeout S       seconds without a byte after which a request counts as timed out (default: 30)
  --timeline FILE   write a line for each request that ended as expected: when, in milliseconds since 1970, and how long it took,
                    in microseconds
  --json            print one JSON object";

/// When to stop.
pub enum Limit {
    Requests(u64),
    Seconds(f64),
    EndOfInput,
}

pub struct Options {
    pub target: Target,
    pub limit: Limit,
    pub concurrency: usize,
    pub cases: Vec<Case>,
    pub timeout: Duration,
    pub timeline: Option<PathBuf>,
    pub json: bool,
}

impl Options {
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut target = None;
        let mut options = Self {
            target: Target::Unix(PathBuf::new()),
            limit: Limit::Requests(1000),
            concurrency: 8,
            cases: Vec::new(),
            timeout: Duration::from_secs(30),
            timeline: None,
            json: false,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--requests" => options.limit = Limit::Requests(number(&arg, args.next())?),
                "--seconds" => options.limit = Limit::Seconds(number(&arg, args.next())?),
                "--until-eof" => options.limit = Limit::EndOfInput,
                "--concurrency" => options.concurrency = number(&arg, args.next())?,
                "--path" => {
                    let path = args.next().ok_or("--path needs a path")?;
                    options.cases.push(Case::get(&path));
                }
                "--paths" => {
                    let file = args.next().ok_or("--paths needs a file")?;
                    let text = fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
                    let paths = text.lines().filter(|line| !line.is_empty());
                    options.cases.extend(paths.map(Case::get));
                }
                "--cases" => {
                    let file = args.next().ok_or("--cases needs a file")?;
                    options.cases.extend(Case::read_list(&file)?);
                }
                "--timeout" => {
                    options.timeout = Duration::from_secs_f64(number(&arg, args.next())?)
                }
                "--timeline" => {
                    let path = args.next().ok_or("--timeline needs a file")?;
                    options.timeline = Some(PathBuf::from(path));
                }
                "--json" => options.json = true,
                _ if arg.starts_with('-') || target.is_some() => {
                    return Err(format!("{arg}: unknown argument"));
                }
                _ => target = Some(Target::parse(&arg)?),
            }
        }
        options.target = target.ok_or("no target given")?;
        if options.cases.is_empty() {
            options.cases.push(Case::get("/"));
        }
        Ok(options)
    }
}

fn number<T: FromStr + PartialOrd + Default>(
    option: &str,
    value: Option<String>,
) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("{option} needs a number"))?;
    match value.parse() {
        Ok(number) if number > T::default() => Ok(number),
        _ => Err(format!("{option} {value}: expected a number above 0")),
    }
}
