# frozen_string_literal: true

# What happens to a server in a long life: answers of every kind, and errors.
#
#   /           Hello World, a new one each time     /each      a body in parts, chunked
#   /echo       the request's body                    /stream    a body that writes itself
#   /fail       raises before the response            /break     raises in the middle of it
#   /count      reads the body, then how much this process has of everything (see Bench::Soak)
#   /file       the file BENCH_FILES/file             whatever else: 404

require "fiddle"
require "json"
require "rack"

FILES = Rack::Files.new(ENV.fetch("BENCH_FILES"))
TEXT = { "content-type" => "text/plain" }.freeze

# Without a backtrace, for the log is long enough.
Mishap = Class.new(StandardError) { def backtrace = [] }

# The C library's heap.
module Malloc
  function = ->(name, arguments, result) { Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], arguments, result) }
  OPEN = function.("fopen", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOIDP)
  INFO = function.("malloc_info", [Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP], Fiddle::TYPE_INT)
  CLOSE = function.("fclose", [Fiddle::TYPE_VOIDP], Fiddle::TYPE_INT)
  TRIM = function.("malloc_trim", [Fiddle::TYPE_SIZE_T], Fiddle::TYPE_INT)

  # Gives the kernel back what nobody has now.
  def self.trim
    TRIM.call(0)
  end

  # @return [Integer] bytes that somebody has: its own report, a file of XML, says what it has of the kernel and what of that is free
  def self.used
    path = "#{ENV.fetch("BENCH_FILES")}/malloc.#{Process.pid}"
    file = OPEN.call(path, "w")
    INFO.call(0, file)
    CLOSE.call(file)
    # Behind the arenas' own come the sums of all.
    sums = File.read(path).rpartition("</heap>").last
    size = ->(tag) { sums.scan(/<#{tag} [^>]*size="(\d+)"/).flatten.sum(&:to_i) }
    size.('total type="mmap"') + size.('system type="current"') - size.('total type="(?:fast|rest)"')
  end
end

count = lambda do
  GC.start
  Malloc.trim
  slots = ObjectSpace.count_objects
  { "pid" => Process.pid, "objects" => slots[:TOTAL] - slots[:FREE], "malloc" => Malloc.used, "pages" => GC.stat(:heap_allocated_pages) }
end

run(lambda do |env|
  case env["PATH_INFO"]
  when "/" then [200, TEXT.dup, ["Hello World\n"]]
  when "/each" then [200, TEXT.dup, %w[one two three].each]
  when "/stream" then [200, TEXT.dup, ->(stream) { stream.write("one") && stream.close }]
  when "/echo" then [200, TEXT.dup, [env["rack.input"].read]]
  when "/fail" then raise Mishap, "before"
  when "/break" then [200, TEXT.dup, Enumerator.new { |parts| parts << "one" && raise(Mishap, "in between") }]
  when "/count"
    env["rack.input"].read
    [200, TEXT.dup, [JSON.generate(count.call)]]
  else FILES.call(env)
  end
end)
