# frozen_string_literal: true

require "pitchfork/pitchfork"

module Pitchfork
  # What a process has for itself and what it shares: read from /proc, of any process of the same user (ext/core/src/memory).
  # Everything here raises Errno::ENOENT or Errno::ESRCH when the process is gone, and Errno::EACCES when it is another user's, or
  # has become another user's itself and does not want to be seen.
  #
  # Methods of the extension:
  #
  # * `rollup(pid)` → Hash of bytes: `:private`, `:shared`, `:pss`, `:swap`, `:rss`, `:anonymous`, `:private_clean`, `:private_dirty`,
  #   `:shared_clean`, `:shared_dirty`, `:swap_pss`. What the kernel adds up in /proc/PID/smaps_rollup.
  # * `account(pid, notes)` → `{ kind => { private:, shared:, swap:, unshared:, fresh: } }` in bytes, for each of {KINDS}, page by page.
  #   `notes` is the text of a mold's notes, or nil: then `:unshared` and `:fresh`, the two parts of `:private`, are nil, too, as
  #   nobody knows, nothing is `:method_bodies`, and `:ruby_heap` is a guess. Raises ArgumentError when the text is not a mold's notes.
  # * `notes(pid)` → the text of the notes that the process carries, or nil.
  # * `anonymous_pages(pid)` → `[[first, behind], …]`: the addresses at which the process has pages that a fork would share. Nothing
  #   here needs them: it is what tests hold the account to. @api private
  #
  # The first takes about 0.5 ms for each 100 MiB of the process, the second about 1 ms; the process itself waits only if
  # it maps or unmaps memory in just this moment.
  module Memory
    # In the order in which they are told. See ext/core/src/memory/kind.rs for what is exact and what is a guess.
    KINDS = %i[ruby_heap method_bodies malloc jit stack file other].freeze

    # A mold's notes (ext/core/src/memory/notes.rs). `Notes.parse(text)` raises ArgumentError when the text is none.
    #
    # * `generation`, `pid`: of the mold
    # * `prepared`: when its preparation was done, in seconds since 1970
    # * `ruby`: the version of the mold's Ruby, "3.3.8"; nil: an older pitchfork's mold does not say
    # * `settings`: which of {MoldNotes::SETTINGS} its server was given, as Strings
    # * `before`: `[private, pss]` in bytes before the preparation, or nil
    # * `steps`: `[{ name:, seconds:, change: }, …]`, the last in bytes, negative when memory was given back
    # * `heap`, `code`, `had`: `[[first, behind], …]`, the addresses of Ruby's heap pages, of the malloc'd pages with method bodies, and
    #   of all anonymous pages that the mold had
    class Notes
      def inspect
        "#<#{self.class} generation #{generation}, pid #{pid}>"
      end
    end
  end
end
