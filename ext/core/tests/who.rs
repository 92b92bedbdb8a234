//! Who broke the sharing: the kernel's records, the room for samples, and the report.

use pitchfork_core::who::records::faults;
use pitchfork_core::who::{Code, DEPTH, Fault, Samples, Summary, report};

fn fault(address: u64) -> Fault {
    Fault {
        ip: 0x1000 + address,
        address,
    }
}

/// As the kernel lays a record out.
fn record(kind: u32, words: &[u64]) -> Vec<u64> {
    let size = u16::try_from(8 * (words.len() + 1)).unwrap();
    let mut header = [0; 8];
    header[..4].copy_from_slice(&kind.to_ne_bytes());
    header[6..].copy_from_slice(&size.to_ne_bytes());
    let mut record = vec![u64::from_ne_bytes(header)];
    record.extend(words);
    record
}

/// All faults in a ring of 8 words that was written around its end.
fn read(start: u64, words: &[u64]) -> Vec<Fault> {
    let mut ring = [0; 8];
    for (at, word) in (start..).zip(words) {
        ring[usize::try_from(at).unwrap() % 8] = *word;
    }
    let mut found = Vec::new();
    let head = 8 * (start + words.len() as u64);
    let word = |at: u64| ring[usize::try_from(at / 8).unwrap() % 8];
    faults(8 * start, head, word, |fault| found.push(fault));
    found
}

#[test]
fn samples_are_read_across_the_end_of_the_ring_and_other_records_passed_over() {
    let lost = record(2, &[1, 99]);
    let sample = record(9, &[0x401000, 0x7f00]);
    let seen = Fault {
        ip: 0x401000,
        address: 0x7f00,
    };
    assert_eq!(read(0, &[lost.clone(), sample.clone()].concat()), [seen]);
    assert_eq!(read(6, &[sample.clone(), lost].concat()), [seen]);
    assert_eq!(read(5, &[sample.clone(), sample].concat()), [seen, seen]);
}

#[test]
fn a_ring_that_makes_no_sense_is_not_read_for_ever() {
    assert_eq!(read(0, &[0, 0, 0]), []);
    let beyond_the_end = record(9, &[1, 2]);
    assert_eq!(read(0, &beyond_the_end[..2]).len(), 1);
}

#[test]
fn samples_keep_what_was_pushed_and_share_frames() {
    let samples = Samples::new(4);
    assert!(samples.push(fault(1), 3, &Code::Ruby(&[700, 800])));
    assert!(samples.push(fault(2), 3, &Code::Gc));
    assert!(samples.push(fault(3), 3, &Code::Ruby(&[800])));
    assert!(samples.push(fault(4), 3, &Code::Unknown));
    assert!(samples.is_full());
    assert!(!samples.push(fault(5), 3, &Code::Gc), "there is no room");

    let frames: std::collections::HashMap<u16, u64> = samples.frames().collect();
    assert_eq!(frames.len(), 2);
    let codes: Vec<_> = samples
        .iter()
        .map(|sample| match sample.code {
            Code::Ruby(indices) => Code::Ruby(indices.iter().map(|i| frames[i]).collect()),
            Code::Gc => Code::Gc,
            Code::Unknown => Code::Unknown,
        })
        .collect();
    assert_eq!(
        codes,
        [
            Code::Ruby(vec![700, 800]),
            Code::Gc,
            Code::Ruby(vec![800]),
            Code::Unknown
        ]
    );
    let addresses: Vec<u64> = samples.iter().map(|sample| sample.fault.address).collect();
    assert_eq!(addresses, [1, 2, 3, 4]);
}

#[test]
fn a_deep_stack_loses_its_outer_frames() {
    let samples = Samples::new(1);
    let deep: Vec<u64> = (1..=20).map(|frame| frame * 40).collect();
    samples.push(fault(1), 3, &Code::Ruby(&deep));
    let Code::Ruby(kept) = samples.iter().next().unwrap().code else {
        panic!("it was Ruby code");
    };
    let frames: std::collections::HashMap<u16, u64> = samples.frames().collect();
    let kept: Vec<u64> = kept.iter().map(|index| frames[index]).collect();
    assert_eq!(kept, deep[..DEPTH]);
}

#[test]
fn more_frames_than_there_is_room_for_are_left_out_and_none_is_mistaken() {
    let samples = Samples::new(8_000);
    for frame in 1..=8_000_u64 {
        samples.push(fault(frame), 3, &Code::Ruby(&[frame * 40]));
    }
    let frames: std::collections::HashMap<u16, u64> = samples.frames().collect();
    assert!(
        frames.len() > 1_900,
        "{} frames have found a place",
        frames.len()
    );
    for sample in samples.iter() {
        if let Code::Ruby(kept) = sample.code {
            let kept: Vec<u64> = kept.iter().map(|index| frames[index]).collect();
            assert!(kept.is_empty() || kept == [sample.fault.address * 40]);
        }
    }
}

#[test]
fn a_report_names_each_frame_and_function_once() {
    let samples = Samples::new(9);
    samples.push(fault(0x10), 3, &Code::Ruby(&[700]));
    samples.push(fault(0x20), 3, &Code::Gc);
    samples.push(fault(0x30), 3, &Code::Unknown);
    let names: Vec<_> = (samples.frames())
        .map(|(index, frame)| (index, format!("odd\nname {frame}\tapp.rb:3")))
        .collect();
    let index = names[0].0;
    let summary = Summary {
        seconds: 1.5,
        requests: 7,
        faults: 90,
    };
    let function = |ip| if ip == 0x1020 { "gc_mark" } else { "memcpy" }.to_owned();
    assert_eq!(
        report::opening(5) + &report::body(&summary, &samples, &names, function),
        format!(
            "pitchfork who 1\nuntil 5\nseconds 1.500\nrequests 7\nfaults 90\n\
             frame {index} odd name 700\tapp.rb:3\n\
             function 0 memcpy\nsample 10 3 0 {index}\n\
             function 1 gc_mark\nsample 20 3 1 gc\n\
             sample 30 3 0 -\nend\n"
        )
    );
    assert_eq!(report::failure("EPERM x"), "error EPERM x\nend\n");
}

#[test]
fn a_report_says_that_there_was_no_room_for_more() {
    let samples = Samples::new(1);
    samples.push(fault(1), 3, &Code::Gc);
    let summary = Summary {
        seconds: 0.0,
        requests: 0,
        faults: 1,
    };
    let text = report::body(&summary, &samples, &[], |_| String::new());
    assert!(text.contains("\nfull\n"), "{text}");
}
