# frozen_string_literal: true

require "pitchfork/setting"

module Pitchfork
  class Configuration
    # The tables of docs/configuration.md, from the tables of the settings. After a change to those:
    #
    #   ruby -Ilib -rpitchfork/configuration/markdown \
    #     -e 'Pitchfork::Configuration::Markdown.update("docs/configuration.md")'
    module Markdown
      START = "<!-- generated from lib/pitchfork/configuration: start -->"
      STOP = "<!-- generated from lib/pitchfork/configuration: end -->"

      class << self
        # @return [String] three sections, one a table of settings
        def tables
          [
            "## Settings", table(%w[setting takes default meaning], Setting.options.map { |setting| option(setting) }),
            "## Options of `listen`",
            table(%w[option takes default meaning], Setting.listen_options.map { |setting| option(setting) }),
            "## Callbacks",
            table(%w[callback arguments process when], Setting.callbacks.map { |setting| callback(setting) })
          ].join("\n\n")
        end

        # @param page [String]
        # @return [String] the page with its generated part made anew
        def render(page)
          page.sub(/#{Regexp.escape(START)}.*#{Regexp.escape(STOP)}/m) { "#{START}\n\n#{tables}\n\n#{STOP}" }
        end

        # @param path [String] of the page
        def update(path)
          File.write(path, render(File.read(path, encoding: "utf-8")))
        end

        private

        def table(head, rows)
          [head, head.map { "---" }, *rows].map { |cells| "| #{cells.join(" | ")} |" }.join("\n")
        end

        def option(setting)
          takes = setting.check ? setting.check.expected : "an address"
          ["`#{setting.syntax}`", takes, default(setting), meaning(setting)]
        end

        def callback(setting)
          names = setting.names.map { |name| "`#{name}`" }.join(", also ")
          [names, setting.arguments.map { |name| "`#{name}`" }.join(", "), setting.process, meaning(setting)]
        end

        # A default that is a value is code, one that is a sentence is not.
        def default(setting)
          setting.default.nil? ? setting.shown_default : "`#{setting.shown_default}`"
        end

        def meaning(setting)
          setting.doc.gsub("|", "\\|")
        end
      end
    end
  end
end
