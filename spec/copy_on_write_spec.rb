# frozen_string_literal: true

# What the kernel and Ruby promise, without a server: all that the rest is built on.
RSpec.describe "Copy-on-write" do
  include Addresses

  describe "a forked child" do
    it "sees the parent's array" do
      array = [1, 2, 3]
      expect(fork_and { array }).to eq([1, 2, 3])
    end

    it "appends to an array of its own" do
      array = [1, 2, 3]
      expect(fork_and { array << 4 }).to eq([1, 2, 3, 4])
      expect(array).to eq([1, 2, 3])
    end

    it "copies only the pages that an append touches" do
      array = (1..2_000_000).to_a
      array.push(0).pop # makes room: an array that has to move would be copied as a whole
      pages = 10
      elements = pages * Pagemap::PAGE / Fiddle::SIZEOF_VOIDP
      memory = elements_of(array, more: 2 * elements)

      work = fork_and do
        before = Pagemap.here(memory)
        elements.times { |number| array << number }
        Forking::Work.between(before, Pagemap.here(memory))
      end
      report("appending 10 pages of elements copied #{work.copied} and added #{work.fresh}, of #{count(work.total)} pages")
      expect(work.total).to be > 3_900
      # The page that holds the end of the array; what follows was never there.
      expect(work.copied).to be <= 1
      # Elements do not begin where pages do.
      expect(work.private).to be_between(pages, pages + 1)
    end

    describe "with a string of 16 MiB" do
      let(:string) { "x" * (16 * 1024 * 1024) }

      # @return [Forking::Work] what the block, in a child, does to the pages of the string
      def work_on(string)
        memory = bytes_of(string)
        fork_and do
          before = Pagemap.here(memory)
          yield
          Forking::Work.between(before, Pagemap.here(memory))
        end
      end

      it "copies nothing by reading" do
        work = work_on(string) { string.count("y") + string.hash }
        report("reading copied #{work.copied} of #{count(work.total)} pages")
        expect(work.total).to be >= 4_095
        expect(work.private).to eq(0)
      end

      it "copies one page to write one byte" do
        work = work_on(string) { string.setbyte(string.bytesize / 2, 121) }
        report("writing a byte copied #{work.copied} of #{count(work.total)} pages")
        expect(work.private).to eq(1)
      end

      it "copies a page once, however often it writes to it" do
        work = work_on(string) { 100.times { |number| string.setbyte((string.bytesize / 2) + number, 121) } }
        report("writing 100 bytes side by side copied #{work.copied} of #{count(work.total)} pages")
        # Side by side, and perhaps on both sides of a page's end.
        expect(work.private).to be_between(1, 2)
      end
    end
  end

  describe "a garbage collection in a child" do
    # @return [Forking::Work]
    def collect(&preparation)
      heap = nil
      parent = lambda do
        heap = Application.scattered_heap(300_000)
        preparation.call
      end
      pages_written(parent: parent) do
        Pitchfork::Preparation.release
        GC.start
        heap.size
      end
    end

    it "does not un-share the heap of a prepared parent" do
      prepared = collect { Pitchfork::Preparation.new.call }
      unprepared = collect { GC.disable }
      { "a prepared" => prepared, "an unprepared" => unprepared }.each do |which, work|
        report("GC in the child of #{which} parent un-shared #{count(work.copied)} of #{count(work.total)} pages")
      end
      # The collector's own tables are written, they make up a tenth to a quarter. The objects are not.
      expect(prepared.copied).to be < prepared.total / 3
      # Here every page with a hole is written, which is every page.
      expect(unprepared.copied).to be > unprepared.total / 2
    end
  end

  # Work that is done once and remembered: before the fork by one process for all, or after it by each for itself.
  describe "what a parent has warmed up" do
    # @param setup [#call] makes the thing to be warmed up, in the parent
    # @yield [thing] warms it up: in the parent, and then again in the child, which finds everything done; or in the child only
    def compare(setup)
      [true, false].map do |before_the_fork|
        thing = nil
        parent = lambda do
          thing = setup.call
          yield thing if before_the_fork
          # GC stays off in the child: what it writes is counted above.
          Pitchfork::Preparation.new.call
        end
        pages_written(parent: parent) { yield thing }
      end
    end

    def expect_sharing(warm, cold, what)
      report("#{what}: #{count(warm.private)} pages private to each child when warm before the fork, #{count(cold.private)} when after")
      # A few pages are those of the stack, of the call itself, of Ruby's own state.
      expect(cold.private).to be > 200
      expect(warm.private).to be < cold.private / 5
    end

    it "is shared: memoized instance variables" do
      warm, cold = compare(-> { Array.new(20_000) { Application::Model.new } }) { |models| models.each(&:label) }
      expect_sharing(warm, cold, "20,000 memos")
    end

    it "is shared: inline caches" do
      warm, cold = compare(-> { Application.methods(10_000) }) { |methods| methods.each(&:call) }
      expect_sharing(warm, cold, "caches of 10,000 methods")
    end

    it "is shared: YJIT's machine code" do
      skip "this Ruby can't switch YJIT on" unless defined?(RubyVM::YJIT) && RubyVM::YJIT.respond_to?(:enable)

      setup = lambda do
        RubyVM::YJIT.enable
        Application.methods(5_000)
      end
      # A method is compiled when it has been called 30 times.
      warm, cold = compare(setup) { |methods| 40.times { methods.each(&:call) } }
      expect_sharing(warm, cold, "machine code of 5,000 methods")
    end
  end
end
