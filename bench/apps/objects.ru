# frozen_string_literal: true

# Hello World, a page of 20 KiB (/page), what was sent (/echo), all of as few objects as can be, and which objects a request costs:
#
#   /count    how many objects this process has allocated so far
#   /trace    from the end of this request on, notes where objects are allocated
#   /report   a line of JSON for each kind of object allocated since: what it is in env, or else its class and place
#
# Every other request in between is kept with its env, so that what belongs to env can be told from what does not.

require "json"
require "objspace"

PAGE = [200, { "content-type" => "text/html", "content-length" => "20480" }, ["x" * 20_480]].freeze
ECHO = { "content-type" => "application/json" }.freeze
HELLO = [200, { "content-type" => "text/plain", "content-length" => "12" }, ["Hello World\n"]].freeze

kept = []
tracing = false
text = ->(body) { [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]] }

# The address by which a dump of the heap calls an object.
address = ->(object) { JSON.parse(ObjectSpace.dump(object))["address"] }

name_of = lambda do |envs|
  envs.each_with_object({}) do |env, names|
    names[address.(env)] = "env"
    env.each do |key, value|
      names[address.(key)] = "key #{key}"
      names[address.(value)] ||= key unless value.nil? || value == true || value == false
    end
  end
end

report = lambda do
  ObjectSpace.trace_object_allocations_stop
  tracing = false
  names = name_of.(kept)
  objects = ObjectSpace.dump_all(output: :string).each_line.map { |line| JSON.parse(line) }
  classes = objects.to_h { |object| [object["address"], object["name"]] }
  kinds = objects.select { |object| object["file"] }.map do |object|
    names[object["address"]] ||
      "#{classes[object["class"]] || object["imemo_type"] || object["type"]} at #{File.basename(object["file"])}:#{object["line"]}"
  end
  kinds.tally.map { |kind, count| "#{JSON.generate([kind, count.fdiv(kept.size)])}\n" }.join
end

run(lambda do |env|
  case env["PATH_INFO"]
  when "/count" then text.(GC.stat(:total_allocated_objects).to_s)
  when "/trace"
    GC.start
    GC.disable
    tracing = true
    ObjectSpace.trace_object_allocations_start
    HELLO
  when "/report" then text.(report.call)
  else
    kept << env if tracing
    case env["PATH_INFO"]
    when "/page" then PAGE
    when "/echo" then [200, ECHO, [env["rack.input"].read]]
    else HELLO
    end
  end
end)
