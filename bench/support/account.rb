# frozen_string_literal: true

require_relative "drawing"

module Bench
  # Allocations of several requests side by side, and what needs them. Whatever has no reason is listed by its own name.
  class Account
    # Rarer than this, they are not a request's but the garbage collector's, which makes room for many requests at once.
    RARE = 0.05
    private_constant :RARE

    # What needs it, and how many of them at most.
    Reason = Struct.new(:text, :most) do
      def initialize(text, most = Float::INFINITY)
        super
      end
    end

    # Ruby objects: a key of env, or class and place.
    OBJECTS = {
      /\Aenv\z/ => Reason.new("env itself", 1),
      /\A(REQUEST_METHOD|REQUEST_URI|PATH_INFO|QUERY_STRING)\z/ => Reason.new("env: a part of the request line"),
      /\A(HTTP_|CONTENT_)/ => Reason.new("env: the value of a field"),
      /\Akey / => Reason.new("env: the name of an uncommon field, again after it was collected"),
      /\Arack\.hijack\z/ => Reason.new("env: the connection (Pitchfork::Client)", 1),
      /\Arack\.response_finished\z/ => Reason.new("env: the list of what is called in the end", 1),
      /\Arack\.input\z/ => Reason.new("env: rack.input of a request with a body", 1),
      / at (rewindable_)?input\.rb:/ => Reason.new("rack.input: what was read, kept to be read again"),
      / at objects\.ru:/ => Reason.new("the app")
    }.freeze

    # Callers of malloc, calloc and realloc, innermost first.
    MEMORY = {
      /\Arb_st.*rb_hash_dup/ => Reason.new("env: its table"),
      /\Arb_st_init|\Arb_st_update/ => Reason.new("env: a larger table, for more fields than most requests have"),
      /\Arb_str_new.* ← pitchfork::worker/ => Reason.new("env: a value that is too long to be part of its object"),
      /\Apitchfork::(worker::\S+|ruby::client::Client::new)\z/ => Reason.new("env: the connection (Pitchfork::Client)", 1),
      /\Apitchfork::ruby::body::RequestBody::new\z/ => Reason.new("rack.input: what came behind the head", 1),
      /\Arb_str_new.* ← pitchfork::ruby::client/ => Reason.new("rack.input: a piece of the body"),
      /\Apitchfork::ruby::client::\S+\z/ => Reason.new("response: head and small body, one buffer", 1),
      # Those are in the other table.
      /\A(?!.*pitchfork)/ => Reason.new("Ruby: what does not fit into an object")
    }.freeze

    # @param what [String] heading
    # @param reasons [Hash{Regexp => Reason}]
    # @param counts [Hash{String => Hash{String => Numeric}}] how many of what, for each request
    def initialize(what, reasons, counts)
      @what = what
      @requests = counts.keys
      @rows = Hash.new { |rows, reason| rows[reason] = Hash.new(0) }
      @unexplained = []
      counts.each { |request, kinds| kinds.each { |kind, count| enter(request, kind, count, reasons) if count > RARE } }
    end

    # @return [Array<String>] what nothing needs
    def unexplained
      @unexplained.uniq
    end

    # @return [Table]
    def table
      table = Table.new(@what, *@requests)
      @rows.each { |reason, counts| table << [reason, *@requests.map { |request| number(counts[request]) }] }
      table << ["in all", *@requests.map { |request| number(@rows.sum { |_, counts| counts[request] }) }]
    end

    private

    def enter(request, kind, count, reasons)
      _, reason = reasons.find { |pattern, _| kind.match?(pattern) }
      needed = reason ? [count, reason.most].min : 0
      @rows[reason.text][request] += needed if needed.positive?
      return unless count - needed > RARE

      @unexplained << kind
      @rows["**needless**: #{kind}"][request] += count - needed
    end

    def number(count)
      format("%g", count.round(1))
    end
  end
end
