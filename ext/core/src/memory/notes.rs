//! What a mold writes down when it is prepared, and its workers carry along: when it was, what each step of the preparation
//! has changed, and what its pages are. A text, one fact a line:
//!
//! ```text
//! pitchfork notes 1
//! generation 2
//! pid 4711
//! prepared 1764000000
//! ruby 3.3.8
//! setting refork_after
//! setting gc free_slots
//! before 104857600 62914560
//! step compact 0.351204 -8388608
//! heap 7f5c00000000-7f5c00400000
//! code 55d0c8a4e000-55d0c8a60000
//! had 55d0c8a00000-55d0c9f00000
//! ```
//!
//! A fact that is not known here is passed over, so that a newer server's notes can be read; one that is known and can't be
//! understood is an error.

use std::fmt::{self, Display, Write as _};
use std::ops::Range;
use std::time::Duration;

use super::Ranges;

/// The first line, without what follows the version.
const TITLE: &str = "pitchfork notes 1";

/// What a mold has written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// Of the mold.
    pub generation: u32,
    /// Of the mold.
    pub pid: u32,
    /// When the preparation was done, in seconds since 1970.
    pub prepared: u64,
    /// The mold's Ruby: numbers with dots between them. `None`: an older server's mold, which did not say.
    pub ruby: Option<String>,
    /// Which settings its server was given, of those that its memory depends on, by the words they begin with in a
    /// configuration file.
    pub settings: Vec<String>,
    /// The mold's memory before it was prepared. `None`: it could not be read.
    pub before: Option<Before>,
    /// The steps of the preparation, as they were taken.
    pub steps: Vec<Step>,
    /// The pages of the GC's heap.
    pub heap: Ranges,
    /// The malloc'd pages that hold the bodies of methods (iseqs), into which YJIT counts their calls.
    pub code: Ranges,
    /// The anonymous pages that the mold had. A worker's private page is un-shared if it lies here, else it is new.
    pub had: Ranges,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// What the mold shared with nobody.
    pub private: u64,
    /// Its proportional share.
    pub pss: u64,
}

/// A step of the preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Without blanks.
    pub name: String,
    /// How long it took. Written to the microsecond.
    pub time: Duration,
    /// By how many bytes the step has changed what the mold has that is no file's, private or shared; negative: given back. The
    /// private memory alone would grow: a worker that becomes a mold un-shares what the older mold still has.
    pub change: i64,
}

impl Notes {
    /// Of a mold that knew nothing.
    pub(super) const EMPTY: Notes = Notes {
        generation: 0,
        pid: 0,
        prepared: 0,
        ruby: None,
        settings: Vec::new(),
        before: None,
        steps: Vec::new(),
        heap: Ranges::NONE,
        code: Ranges::NONE,
        had: Ranges::NONE,
    };

    /// Reads them.
    pub fn parse(text: &str) -> Result<Notes, Error> {
        let mut lines = text.lines().zip(1..);
        match lines.next() {
            Some((TITLE, _)) => {}
            title => return Err(Error::Title(title.map_or("", |(title, _)| title).into())),
        }
        let mut notes = Notes::EMPTY;
        let (mut generation, mut pid, mut prepared) = (None, None, None);
        let [mut heap, mut code, mut had] = [const { Vec::<Range<u64>>::new() }; 3];
        for (line, number) in lines {
            let (fact, rest) = line.split_once(' ').unwrap_or((line, ""));
            let known = match fact {
                "generation" => rest.parse().map(|value| generation = Some(value)).ok(),
                "pid" => rest.parse().map(|value| pid = Some(value)).ok(),
                "prepared" => rest.parse().map(|value| prepared = Some(value)).ok(),
                "ruby" => version(rest).map(|value| notes.ruby = Some(value)),
                "setting" => words(rest).map(|value| notes.settings.push(value)),
                "before" => before(rest).map(|value| notes.before = Some(value)),
                "step" => step(rest).map(|value| notes.steps.push(value)),
                "heap" => range(rest).map(|value| heap.push(value)),
                "code" => range(rest).map(|value| code.push(value)),
                "had" => range(rest).map(|value| had.push(value)),
                _ => Some(()),
            };
            known.ok_or_else(|| Error::Line(number, line.into()))?;
        }
        notes.generation = generation.ok_or(Error::Missing("generation"))?;
        notes.pid = pid.ok_or(Error::Missing("pid"))?;
        notes.prepared = prepared.ok_or(Error::Missing("prepared"))?;
        [notes.heap, notes.code, notes.had] = [heap, code, had].map(Ranges::from_iter);
        Ok(notes)
    }
}

/// The text that [`Notes::parse`] reads.
impl Display for Notes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{TITLE}\ngeneration {}\npid {}",
            self.generation, self.pid
        )?;
        writeln!(out, "prepared {}", self.prepared)?;
        if let Some(ruby) = &self.ruby {
            writeln!(out, "ruby {ruby}")?;
        }
        for setting in &self.settings {
            writeln!(out, "setting {setting}")?;
        }
        if let Some(Before { private, pss }) = self.before {
            writeln!(out, "before {private} {pss}")?;
        }
        for step in &self.steps {
            let (seconds, micros) = (step.time.as_secs(), step.time.subsec_micros());
            let change = step.change;
            writeln!(out, "step {} {seconds}.{micros:06} {change}", step.name)?;
        }
        let facts = [
            ("heap", &self.heap),
            ("code", &self.code),
            ("had", &self.had),
        ];
        for (fact, ranges) in facts {
            for Range { start, end } in ranges.iter() {
                writeln!(out, "{fact} {start:x}-{end:x}")?;
            }
        }
        Ok(())
    }
}

/// Why a text can't be read as notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It begins otherwise.
    Title(String),
    /// A line, by its number, can't be understood.
    Line(usize, String),
    /// A fact is not there.
    Missing(&'static str),
}

impl Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a mold's notes ")?;
        match self {
            Error::Title(title) => write!(out, "begin with {TITLE:?}, these with {title:?}"),
            Error::Line(number, line) => write!(out, "make no sense in line {number}: {line:?}"),
            Error::Missing(fact) => write!(out, "have a line {fact:?}, these have none"),
        }?;
        out.write_char('.')
    }
}

impl std::error::Error for Error {}

fn version(text: &str) -> Option<String> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').all(number).then(|| text.into())
}

fn words(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.into())
}

fn before(text: &str) -> Option<Before> {
    let (private, pss) = text.split_once(' ')?;
    Some(Before {
        private: private.parse().ok()?,
        pss: pss.parse().ok()?,
    })
}

fn step(text: &str) -> Option<Step> {
    let mut words = text.split(' ');
    let (name, seconds, change) = (words.next()?, words.next()?, words.next()?);
    let micros = seconds.parse().ok().map(|seconds: f64| seconds * 1e6)?;
    // An `as` from a float ends at the bounds of the integer.
    let sane = (0.0..9e18).contains(&micros) && !name.is_empty() && words.next().is_none();
    sane.then_some(Step {
        name: name.into(),
        time: Duration::from_micros(micros.round() as u64),
        change: change.parse().ok()?,
    })
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let range = address(from)?..address(to)?;
    (!range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
pitchfork notes 1
generation 2
pid 4711
prepared 1764000000
ruby 3.3.8
setting refork_after
setting gc free_slots
before 104857600 62914560
step gc 0.120000 4096
step compact 12.351204 -8388608
heap 7f5c00000000-7f5c00400000
code 55d0c8a4e000-55d0c8a60000
had 55d0c8a00000-55d0c9f00000
had 7f5c00000000-7f5c00400000
";

    #[test]
    fn read_and_written() {
        let notes = Notes::parse(TEXT).expect("they are well-formed");
        assert_eq!(
            (notes.generation, notes.pid, notes.prepared),
            (2, 4711, 1_764_000_000)
        );
        assert_eq!(notes.ruby.as_deref(), Some("3.3.8"));
        assert_eq!(notes.settings, ["refork_after", "gc free_slots"]);
        let before = notes.before.expect("it is there");
        assert_eq!((before.private, before.pss), (104_857_600, 62_914_560));
        let [gc, compact] = &notes.steps[..] else {
            panic!("two steps, not {:?}", notes.steps)
        };
        assert_eq!((gc.name.as_str(), gc.change), ("gc", 4096));
        assert_eq!(compact.time, Duration::from_micros(12_351_204));
        assert_eq!(compact.change, -8_388_608);
        assert_eq!(notes.heap.bytes(), 0x40_0000);
        assert_eq!(notes.had.iter().count(), 2);
        assert_eq!(notes.to_string(), TEXT);
    }

    #[test]
    fn the_least() {
        let text = "pitchfork notes 1\ngeneration 0\npid 1\nprepared 5\n";
        let notes = Notes::parse(text).expect("nothing is missing");
        assert_eq!(
            (notes.before, notes.steps.len(), notes.had.bytes()),
            (None, 0, 0)
        );
        assert_eq!((&notes.ruby, notes.settings.len()), (&None, 0));
        assert_eq!(notes.to_string(), text);
    }

    #[test]
    fn what_is_not_known_yet() {
        let newer = TEXT.replace("pid", "weather fine\npid");
        assert_eq!(Notes::parse(&newer), Notes::parse(TEXT));
    }

    #[test]
    fn errors() {
        for (good, bad) in [
            ("generation 2", "generation two"),
            ("4711", "-1"),
            ("ruby 3.3.8", "ruby 3.3.x"),
            ("ruby 3.3.8", "ruby 3..8"),
            ("ruby 3.3.8", "ruby"),
            ("setting refork_after", "setting "),
            ("before 104857600 62914560", "before 104857600"),
            ("step gc 0.120000 4096", "step gc 0.120000"),
            ("step gc 0.120000 4096", "step gc NaN 4096"),
            ("step gc 0.120000 4096", "step gc -1 4096"),
            ("step gc 0.120000 4096", "step gc 1 4096 1"),
            ("heap 7f5c00000000-", "heap "),
            (
                "code 55d0c8a4e000-55d0c8a60000",
                "code 55d0c8a60000-55d0c8a4e000",
            ),
            ("had 55d0c8a00000-55d0c9f00000", "had zero-ten"),
        ] {
            let text = TEXT.replace(good, bad);
            let error = Notes::parse(&text).expect_err(bad);
            assert!(matches!(error, Error::Line(..)), "{bad}: {error:?}");
        }
        for missing in ["generation", "pid", "prepared"] {
            let text = TEXT.replace(missing, "else");
            assert_eq!(Notes::parse(&text), Err(Error::Missing(missing)));
        }
        for other in ["", "\n", "pitchfork notes 2\n", "pitchfork scoreboard\n"] {
            assert!(
                matches!(Notes::parse(other), Err(Error::Title(_))),
                "{other:?}"
            );
        }
        let message = Error::Line(3, "pid x".into()).to_string();
        assert_eq!(
            message,
            "a mold's notes make no sense in line 3: \"pid x\"."
        );
    }
}
