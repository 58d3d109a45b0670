-- End a statement of ours. The embedded engine chooses query ids itself and keeps ours as the comment. Parameters: id.
kill query where query_id = {id:String} or Settings['log_comment'] = {id:String} async
