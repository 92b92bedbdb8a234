# frozen_string_literal: true

# Who serves, and over which database connection.
class ProcessesController < ApplicationController
  def show
    Note.with_connection do |connection|
      connection.verify!
      render json: {
        pid: Process.pid,
        worker: request.env["pitchfork.worker"]&.nr,
        generation: generation,
        visits: session.fetch(:visits, 0),
        notes: Note.count,
        connection: { object_id: connection.object_id, opened_by: connection.opened_by }
      }
    end
  end
end
