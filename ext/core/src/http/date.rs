//! The `Date` field's format.

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
/// 9999-12-31T23:59:59Z: the format has four digits for the year.
const LAST_SECOND: u64 = 253_402_300_799;

/// The time as an IMF-fixdate (RFC 9110, section 5.6.7), for example `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// `unix_seconds` counts from 1970-01-01T00:00:00Z. A time after the year 9999 is written as its last second.
///
/// # Examples
///
/// ```
/// use pitchfork_core::http::http_date;
///
/// assert_eq!(&http_date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[must_use]
pub fn http_date(unix_seconds: u64) -> [u8; 29] {
    let seconds = unix_seconds.min(LAST_SECOND);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);

    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    date[..3].copy_from_slice(DAYS[(days % 7) as usize]);
    date[5..7].copy_from_slice(&two_digits(day));
    date[8..11].copy_from_slice(MONTHS[month as usize]);
    date[12..14].copy_from_slice(&two_digits(year / 100));
    date[14..16].copy_from_slice(&two_digits(year % 100));
    date[17..19].copy_from_slice(&two_digits(second / 3600));
    date[20..22].copy_from_slice(&two_digits(second / 60 % 60));
    date[23..25].copy_from_slice(&two_digits(second % 60));
    date
}

/// Year, month (0 is January) and day (from 1) of a day counted from 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last of its year and of its cycle of 4, 100 or 400
/// years; then each division below is exact but for that one day, which `min` puts where it belongs.
fn civil(days: u64) -> (u64, u64, u64) {
    const CYCLE_400: u64 = 146_097;
    const CYCLE_100: u64 = 36_524;
    const CYCLE_4: u64 = 1_461;

    let since_march_of_year_0 = days + 719_468;
    let (cycles, day) = (
        since_march_of_year_0 / CYCLE_400,
        since_march_of_year_0 % CYCLE_400,
    );
    let centuries = (day / CYCLE_100).min(3);
    let day = day - centuries * CYCLE_100;
    let (fours, day) = (day / CYCLE_4, day % CYCLE_4);
    let years = (day / 365).min(3);
    let day = day - years * 365;

    // From March on, months run 31 30 31 30 31 days, twice: 153 days for five of them.
    let from_march = (5 * day + 2) / 153;
    let day_of_month = day - (153 * from_march + 2) / 5 + 1;
    let (month, january_of) = if from_march < 10 {
        (from_march + 2, 0)
    } else {
        (from_march - 10, 1)
    };
    let year = 400 * cycles + 100 * centuries + 4 * fours + years + january_of;
    (year, month, day_of_month)
}

fn two_digits(number: u64) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unix_seconds: u64) -> String {
        String::from_utf8(http_date(unix_seconds).to_vec()).unwrap()
    }

    #[test]
    fn known_dates() {
        for (seconds, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), // RFC 9110, section 5.6.7
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), // a century with a leap day
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), // a century without one
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(text(seconds), date);
        }
    }

    /// Walks the calendar day by day, as one counts it on paper, through more than one cycle of 400 years.
    #[test]
    fn every_day_until_2500() {
        let (mut year, mut month, mut day) = (1970, 0, 1);
        for days in 0.. {
            assert_eq!(civil(days), (year, month, day), "day {days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                1 => 28 + u64::from(leap),
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month == 12 {
                (year, month) = (year + 1, 0);
            }
            if year == 2500 {
                break;
            }
        }
    }
}
