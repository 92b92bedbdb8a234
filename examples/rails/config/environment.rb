# frozen_string_literal: true

require_relative "application"

# Remembers which process opened a connection, for /process.json: a connection used by another one would be a bug.
module OpenedBy
  attr_reader :opened_by

  private

  def configure_connection
    @opened_by = Process.pid
    super
  end
end
ActiveSupport.on_load(:active_record_sqlite3adapter) { prepend OpenedBy }

Rails.application.initialize!

ActiveRecord::Base.connection_pool.with_connection do |connection|
  connection.create_table(:notes, if_not_exists: true) do |table|
    table.string :body, null: false
    table.integer :pid, null: false
    table.integer :generation
    table.timestamps
  end
end
