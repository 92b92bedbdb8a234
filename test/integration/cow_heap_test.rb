# frozen_string_literal: true

require "support/cow_case"
require "pitchfork/memory"

# Ruby's heap, as `pitchfork cow` sees it and as Ruby itself counts it, in an app like most: it loads extensions and makes objects in
# turn. So the kernel has put heap pages right above the data of many libraries (ext/core/src/memory/kind.rs).
class CowHeapTest < CowTest
  APP = <<~'RUBY'
    EXTENSIONS = %w[openssl socket strscan zlib digest/md5 digest/sha1 digest/sha2 etc json/ext date stringio psych ripper
                    bigdecimal io/console pty nkf objspace coverage fiddle monitor io/wait io/nonblock racc/cparse rbconfig/sizeof]
    # In small arrays: without notes, large ones look like Ruby's heap.
    MAKE = ->(thousands) { Array.new(thousands) { Array.new(1000) { Object.new } } }
    OBJECTS = EXTENSIONS.map do |name|
      begin
        require name
      rescue LoadError
        # not every Ruby has every one
      end
      MAKE.(60)
    end
    run(lambda do |env|
      OBJECTS << MAKE.(200) if env["PATH_INFO"] == "/grow"
      [200, {}, [(GC.stat(:heap_allocated_pages) * GC::INTERNAL_CONSTANTS.fetch(:HEAP_PAGE_SIZE)).to_s]]
    end)
  RUBY

  def setup
    @server = start(app: APP, config: "worker_processes 1\nrefork_after false\n")
  end

  # Within a tenth; should it fail, it shows what all kinds have in memory.
  def assert_heap(kinds, bytes, message)
    seen = kinds.transform_keys(&:to_s).transform_values { |sum| sum.transform_keys(&:to_s).values_at("private", "shared").sum }
    assert_in_delta bytes, seen["ruby_heap"], bytes / 10, "#{message}: #{seen}"
  end

  def worker_of(seen)
    seen["processes"].find { |process| process["role"] == "worker" }
  end

  def test_what_a_worker_has_inherited_and_what_is_new
    inherited = Integer(@server.get("/").body)
    assert_operator inherited, :>, 40 * MIB
    assert_heap worker_of(look(@server))["regions"], inherited, "inherited"

    all = Integer(@server.get("/grow").body)
    assert_operator all, :>, inherited + (4 * MIB)
    assert_heap worker_of(look(@server))["regions"], all, "with what is new"
  end

  def test_without_notes
    bytes = Integer(@server.get("/grow").body)
    pid = @server.process("pitchfork worker[0]").pid
    assert_heap Pitchfork::Memory.account(pid, nil), bytes, "without notes"
  end
end
