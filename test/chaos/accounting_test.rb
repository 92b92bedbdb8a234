# frozen_string_literal: true

require "minitest/autorun"
require "socket"
require "tmpdir"
require "support/chaos/run"
require "support/chaos/verdict"

# That chaos would notice: what a request that failed is called, whose connection it was, and what a verdict complains of.
class AccountingTest < Minitest::Test
  REQUEST = Chaos::Request.new("GET / HTTP/1.1\r\n\r\n", [200], " 7 ")
  OK = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"

  # A server that answers one request so, and closes.
  #
  # @return [Symbol] what an exchange makes of it
  def outcome_of(answer)
    TCPServer.open("127.0.0.1", 0) do |server|
      serving = Thread.new { server.accept.tap { |client| answer.is_a?(Proc) ? answer.call(client) : client.write(answer) }.close }
      Chaos::Exchange.new(server.local_address.ip_port, REQUEST).call.tap { serving.join }
    end
  end

  def test_how_a_request_ends
    read = ->(client) { client.readpartial(1000) }
    assert_equal :answered, outcome_of(->(client) { read.(client) and client.write("#{OK}123 7 ") })
    assert_equal :body, outcome_of(->(client) { read.(client) and client.write("#{OK}123 8 ") })
    assert_equal :closed, outcome_of(->(client) { read.(client) and client.write("#{OK}123 7") })
    assert_equal :closed, outcome_of(read)
    assert_equal :status, outcome_of(->(client) { read.(client) and client.write("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") })
    # Closed with something unread.
    assert_equal :reset, outcome_of(->(client) { client.wait_readable })
  end

  def test_nobody_listens
    port = TCPServer.open("127.0.0.1", 0) { |server| server.local_address.ip_port }
    assert_equal :refused, Chaos::Exchange.new(port, REQUEST).call
    assert_equal :refused, Chaos::Exchange.new("/nowhere.sock", REQUEST).call
  end

  def test_who_holds_a_connection
    Dir.mktmpdir do |directory|
      servers = [TCPServer.new("127.0.0.1", 0), UNIXServer.new("#{directory}/s")]
      clients = [TCPSocket.new("127.0.0.1", servers.first.local_address.ip_port), UNIXSocket.new("#{directory}/s")]
      sockets = Chaos::Sockets.new(servers.first.local_address.ip_port)
      keys = clients.map { |client| Chaos::Sockets.key(client) }
      assert_empty sockets.held_by(Process.pid) & keys, "nobody has accepted them yet"
      accepted = servers.map(&:accept)
      assert_equal keys, keys & sockets.held_by(Process.pid)
      [*servers, *clients, *accepted, sockets].each(&:close)
    end
  end

  # A request on this connection that took from one second to another.
  def failed(ledger, key, from, to)
    exchange = Struct.new(:key, :started, :ended, :detail).new(key, from, to, nil)
    ledger.note(exchange, :closed)
  end

  def test_only_a_blow_during_the_request_explains_its_end
    ledger = Chaos::Ledger.new
    ledger.struck(17, [[:tcp, 1], [:unix, 2]], 5.0)
    failed(ledger, [:tcp, 1], 4.0, 5.25)
    failed(ledger, [:tcp, 1], 6.0, 7.0)
    failed(ledger, [:tcp, 2], 4.0, 6.0)
    assert_equal [4.0], ledger.inside.map(&:started)
    assert_equal [[:tcp, 1], [:tcp, 2]], ledger.lost.map(&:key)
    assert_in_delta 0.25, ledger.slowest
  end

  def result(**other)
    census = { processes: 6, zombies: 0, master: 20 }
    Chaos::Result.new(scenario: Chaos::KillOneWorker, ledger: Chaos::Ledger.new, recoveries: [0.1], boots: 0, boot: 0.5,
                      before: census, after: census, left: [], log: "", **other)
  end

  def complaints(**other)
    Chaos::Verdict.new(result(**other)).complaints.join("\n")
  end

  def test_a_verdict
    assert_empty complaints
    assert_match(/full strength took 2\.1 s, over 2\.0 s/, complaints(recoveries: [0.1, 2.1]))
    assert_empty complaints(recoveries: [2.4], boots: 1)
    assert_match(/zombies: 0 became 1/, complaints(after: { processes: 6, zombies: 1, master: 20 }))
    assert_match(/left after the end: \[99\]/, complaints(left: [99]))
    assert_match(/no rest/, complaints(trouble: "no rest"))
  end

  def test_a_verdict_on_lost_requests
    ledger = Chaos::Ledger.new
    failed(ledger, [:tcp, 1], 4.0, 5.0)
    assert_match(/in no process that was struck failed after 1\.000 s: closed/, complaints(ledger: ledger))
    crash = "worker=1 gen=0 pid=12 died of SIGABRT after 3 requests\n"
    assert_match(/failed after/, complaints(ledger: ledger, log: crash))
    assert_empty complaints(ledger: ledger, log: crash, scenario: Chaos::StarveOfMemory), "its worker died of the fault"
    ledger.struck(12, [], 3.0)
    refute_empty complaints(ledger: ledger, log: crash, scenario: Chaos::StarveOfMemory)
  end

  def test_a_verdict_on_crashes
    crash = "mold gen=2 pid=12 died of SIGABRT\n"
    ledger = Chaos::Ledger.new
    assert_match(/process 12 crashed/, complaints(ledger: ledger, log: crash))
    ledger.struck(12, [], 3.0)
    assert_empty complaints(ledger: ledger, log: crash)
  end
end
