# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"

# Which files are opened again, and what stays as it was.
class LogFilesTest < UnitTest
  def after_teardown
    @opened&.each(&:close)
    super
  end

  def open_log(path = "server.log", mode = "a", **options)
    File.open(path, mode, **options).tap { |file| (@opened ||= []) << file }
  end

  # @return [Integer] of this test's files: the process may have others
  def reopen
    count = Pitchfork::LogFiles.reopen { |path, error| flunk("#{path}: #{error.message}") }
    assert_operator(count, :<=, 1)
    count
  end

  def test_a_file_that_was_moved_away
    log = open_log
    log.sync = true
    number = log.fileno
    log.write("before\n")
    File.rename("server.log", "server.log.1")

    assert_equal(1, reopen)
    log.write("after\n")

    assert_equal(["before\n", "after\n"], [File.read("server.log.1"), File.read("server.log")])
    assert_equal([number, true, "server.log"], [log.fileno, log.sync, log.path])
    assert_equal(0, reopen)
  end

  def test_a_file_that_was_made_anew
    log = open_log
    File.rename("server.log", "server.log.1")
    write("server.log", "new\n")

    assert_equal(1, reopen)
    log.write("more\n")
    log.flush

    assert_equal("new\nmore\n", File.read("server.log"))
  end

  def test_what_is_in_the_buffer_goes_where_it_was_meant_to_go
    log = open_log
    log.write("before\n")
    File.rename("server.log", "server.log.1")

    assert_equal(1, reopen)
    refute(log.sync)
    assert_equal("before\n", File.read("server.log.1"))
  end

  def test_rights_and_encodings_stay
    log = open_log("server.log", "a+:iso-8859-1", perm: 0o640)
    binary = open_log("binary.log", "ab")
    File.unlink("server.log", "binary.log")

    assert_equal(2, Pitchfork::LogFiles.reopen)
    assert_equal(0o640 & ~File.umask, File.stat("server.log").mode & 0o777)
    assert_equal([Encoding::ISO_8859_1, true], [log.external_encoding, binary.binmode?])
    log.write("\u00fc".encode("iso-8859-1"))
    log.rewind

    assert_equal("\xFC".b, log.read.b)
  end

  def test_the_descriptor_is_not_inherited_by_programs
    log = open_log
    File.unlink("server.log")
    reopen

    assert_predicate(log, :close_on_exec?)
  end

  def test_files_that_are_no_logs
    open_log("truncated", "w")
    open_log(write("read"), "r")
    open_log("same")
    open_log("closed").close
    open_log("/dev/null")
    File.unlink("truncated", "read")
    File.allocate

    assert_equal(0, reopen)
    refute_path_exists("truncated")
  end

  def test_a_file_that_can_not_be_opened
    log = open_log(File.join(Dir.mkdir("logs") && "logs", "server.log"))
    log.sync = true
    File.rename("logs", "moved")
    problems = []

    assert_equal(0, Pitchfork::LogFiles.reopen { |*problem| problems << problem })
    assert_equal([["logs/server.log", Errno::ENOENT]], problems.map { |path, error| [path, error.class] })
    log.write("still here\n")

    assert_equal("still here\n", File.read("moved/server.log"))
  end

  def test_standard_streams_that_were_reopened
    code = <<~'RUBY'
      $stderr.reopen(File.expand_path("err"), "a")
      $stderr.sync = true
      File.rename("err", "err.1")
      puts Pitchfork::LogFiles.reopen
      $stderr.write("after")
    RUBY
    out, = ruby("-rpitchfork", "-e", code)

    assert_equal(["1\n", "", "after"], [out, File.read("err.1"), File.read("err")])
  end

  def test_standard_streams_that_the_shell_has_opened
    system(RbConfig.ruby, "-I#{ROOT}/lib", "-rpitchfork", "-e", "exit Pitchfork::LogFiles.reopen", err: %w[err a])

    assert_equal([0, %w[err]], [$?.exitstatus, Dir.children(".")])
  end
end
