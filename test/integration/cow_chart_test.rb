# frozen_string_literal: true

require "support/cow_case"
require "support/xml"

# `pitchfork cow --chart`: sharing over time, as a picture.
class CowChartTest < CowTest
  def picture(path = "x.svg")
    File.read(File.join(@directory, path))
  end

  def texts
    Xml.all(picture, "text").map(&:text)
  end

  def test_a_refork_while_it_watches
    server = start(app: APP, config: "worker_processes 2")
    4.times { server.get("/write") }
    out, error, status = watch(server.pid, "--chart", "x.svg", "--every", "0.2", signal: :INT) do
      server.signal(:USR2)
      server.wait_for(/rollout gen=1 done/)
    end
    assert_equal ["", 0], [error, status]
    assert_match(/\Ax\.svg: \d+ samples in \d+ s, 1 refork\n/, out)
    assert_match(/^refork to gen:1 +\d+ s +\d+\.\d +\d+\.\d +-?\d+\.\d$/, out)
    assert_equal %w[gen:0 gen:1], texts.grep(/\Agen:\d\z/)
    assert_equal 2, texts.grep(/\Agen:1 [+-]\d+ MiB\z/).size, "the mark of the refork, in both panels"
    assert_equal %w[config.ru pitchfork.rb x.svg], Dir.children(@directory).sort
    refute_includes picture, @directory
  end

  def test_until_the_time_is_up
    server = start(app: WHO)
    out, _, status = watch(server.pid, "--chart", "x.svg", "--every", "0.2", "--for", "2", "--json")
    assert_equal 0, status
    samples = JSON.parse(out)["samples"]
    assert_equal %w[at pss generations], samples.last.keys
    assert_operator samples.last["at"], :>, 0, "there is only the first sample"
    assert_includes texts, "Copy-on-write over time"
  end

  def test_samples_that_come_less_often_than_was_asked
    server = start(app: WHO)
    _, error, status = cow(server.pid, "--chart", "x.svg", "--every", "0.001", "--for", "1")
    assert_equal [2, 0], [error.lines.size, status], error
    assert_match(/a sample takes \d+\.\d s, so as to cost 0\.5 % of a processor at most: they come less often than every 0\.001 s$/, error)
    assert_equal 1, texts.grep(/\A1 worker, seen (?:once|every \d+(?:\.\d+)? s); /).size, texts
    refute_match(/every 0(?:\.00\d*)? s/, picture)
  end

  # Nothing of what was measured is lost: by whom it is ended, and whatever ends first.
  def test_the_terminal_is_closed
    server = start(app: WHO)
    assert_equal 0, watch(server.pid, "--chart", "x.svg", signal: :HUP).last
    assert_includes texts, "gen:0"
  end

  def test_the_server_ends_first
    server = start(app: WHO)
    _, error, status = watch(server.pid, "--chart", "x.svg", "--every", "0.2") { server.stop }
    assert_equal ["pitchfork cow: the server has ended; this is what was seen of it\n", 0], [error, status]
    assert_includes texts, "gen:0"
  end

  def test_where_no_picture_can_be
    server = start(app: WHO)
    _, error, status = cow(server.pid, "--chart", "no/x.svg")
    assert_equal ["pitchfork cow: no/x.svg can't be written: No such file or directory; choose another directory\n", 1], [error, status]
  end
end
