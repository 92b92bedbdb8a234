# frozen_string_literal: true

require "support/life"

# The log's lines are documented in docs/log.md, and the document is held to them.
class LogTest < LifeTest
  DOCUMENT = File.read("#{ServerProcess::ROOT}/docs/log.md", encoding: "UTF-8")

  # What stands for what in the document's lines.
  WORDS = {
    "N" => '\d+', "G" => '\d+', "P" => '\d+', "R" => '\d+', "T" => '\d+\.\d{3}s', "…" => ".+", "URL" => '(?:http://\S+:\d+|unix:/\S+)',
    "END" => '(?:exited with status \d+|died of SIG[A-Z]+|died of signal \d+|ended)'
  }.freeze

  # @return [Array<(Regexp, String)>] each documented line and its level
  def self.documented
    DOCUMENT.scan(/^\| `(.+?)` \| (\w+) \|/).map do |line, level|
      pattern = line.split(/(…|\b(?:N|G|P|R|T|URL|END)\b)/).map { |part| WORDS.fetch(part) { Regexp.escape(part) } }.join
      pattern = pattern.sub("GET\\ /path", '[A-Z]+ \S+(?: \(request \S+\))?').sub("SIGTERM", "SIG(?:TERM|QUIT|INT)")
      pattern = pattern.sub("after_worker_exit", "(?:after_worker_exit|after_monitor_ready|after_request_complete|before_worker_exit)")
      [/\A#{pattern}\z/, level]
    end
  end

  ACCIDENT = <<~'RUBY'
    run ->(env) do
      exit if env["PATH_INFO"] == "/exit"
      raise "oops" if env["PATH_INFO"] == "/fail"
      [200, {}, []]
    end
  RUBY

  # A life with as many accidents as one server can have.
  def eventful_life
    config = <<~RUBY
      worker_processes 2
      refork_max_unavailable 1
      spawn_timeout 1
      logger Logger.new($stderr, level: :debug)
      after_monitor_ready { raise "oops" }
      before_worker_exit { raise "oops" }
      before_fork { raise "oops" if File.exist?("no forks") }
      after_worker_fork { |_, worker| exit(3) if worker.nr == 2 && !File.exist?("third") }
      after_mold_fork { raise "oops" if File.exist?("no molds") }
    RUBY
    server = start(app: ACCIDENT, config: config)
    server.get
    server.get("/fail")
    server.raw("nonsense\r\n\r\n")
    server.wait_for(/refused a request from/)
    assert_raises(EOFError) { server.get("/exit") }
    server.wait_for(/left after/)
    server.wait_for(/worker=\d gen=0 pid=\d+ ready/)
    server.signal(:TTIN)
    server.wait_for(/worker=2 .* did not become ready/)
    write("third", "")
    server.wait_for(/worker=2 .* ready in/)
    server.signal(:TTOU)
    server.wait_for(/worker=2 .* retired/)
    write("no molds", "")
    server.signal(:USR2)
    server.wait_for(/refork to gen=1 failed/)
    File.unlink(path("no molds"))
    server.wait_for(/worker=\d gen=0 pid=\d+ ready/)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    server.signal(:KILL, to: server.process("pitchfork worker[1]").pid)
    server.wait_for(/died of SIGKILL/)
    server.wait_for(/worker=1 .* ready in/)
    write("no forks", "")
    server.signal(:TTIN)
    server.wait_for(/before_fork raised/)
    File.unlink(path("no forks"))
    server.wait_for(/worker=2 .* ready in/)
    2.times { server.signal(:TTOU) && server.wait_for(/worker_processes is now/) }
    server.signal(:TTOU)
    server.wait_for(/the last worker stays/)
    server.signal(:KILL, to: server.process("pitchfork mold").pid)
    server.wait_for(/rollout gen=2 done/)
    server.stop
    server
  end

  # The lines of the server itself, without backtraces: what was written by its Logger.
  def messages(server)
    server.log.lines.filter_map { |line| line.chomp.match(/\A.*?\b([A-Z]), \[.*?\] +(\w+) -- : (.*)\z/)&.captures }
      .map { |_, level, text| [text, level.downcase] }
  end

  def test_every_line_is_documented_with_its_level
    documented = self.class.documented
    assert_operator documented.size, :>, 40
    said = messages(eventful_life)
    assert_operator said.size, :>, 40
    said.each do |text, level|
      levels = documented.select { |pattern, _| pattern.match?(text) }.map(&:last)
      assert_includes levels, level, "not in docs/log.md: #{level} #{text}"
    end
  end

  # All that the supervisor can say has its place in the document: its literal words are looked for.
  def test_every_message_of_the_supervisor_is_documented
    code = Dir["#{ServerProcess::ROOT}/ext/core/src/supervisor/*.rs"].map { |file| File.read(file) }.join
    messages = code.scan(/(?:format!\(|let text = )\s*"([^"]+)"/).flatten
    phrases = messages.flat_map { |text| text.split(/\{[^}]*\}|=/) }.map(&:strip).grep(/\w{4,} \w/)
    assert_operator phrases.size, :>, 15
    phrases = phrases.uniq.reject { |phrase| reasons.any? { |reason| phrase.include?(reason) } }
    assert_empty(phrases.reject { |phrase| DOCUMENT.include?(phrase.sub(/\A[:;] /, "")) })
  end

  # What stands in a line in place of "…".
  def reasons
    ["the fork failed", "nothing heard of it", "its mold", "did not become ready", "died of signal"]
  end

  def test_the_configured_logger_gets_all_of_it
    config = <<~'RUBY'
      logger Logger.new("server.log", formatter: ->(level, _, _, text) { "#{level} #{text}\n" })
      after_monitor_ready { File.write("held", "") }
    RUBY
    server = server(app: HOLD, config: config)
    server.spawn
    File.read(path("held"))
    server.stop
    assert_empty server.log
    lines = File.readlines(path("server.log"), chomp: true)
    assert_match(/\AINFO mold gen=0 pid=\d+ booting\z/, lines[1])
    assert_equal "INFO stopped", lines.last
  end

  # From the first line to the last, in every process.
  def test_a_logger_that_always_fails_costs_nobody_anything
    config = <<~'RUBY'
      worker_processes 1
      logger Class.new { %i[debug info warn error fatal].each { |level| define_method(level) { |_| raise "no" } } }.new
    RUBY
    server = start(app: ACCIDENT, config: config)
    pid = server.process("pitchfork worker[0]").pid
    assert_equal "500", server.get("/fail").code
    assert_equal "200", server.get.code
    assert_equal pid, server.process("pitchfork worker[0]").pid
    server.signal(:USR2)
    server.wait_for(/\Athe logger failed: no \(RuntimeError\)\. INFO rollout gen=1 done/)
    assert_equal "200", server.get.code
    assert_equal 0, server.stop.exitstatus
    assert_match(/^the logger failed: .* ERROR GET \/fail failed: oops \(RuntimeError\)$/, server.log)
  end
end
