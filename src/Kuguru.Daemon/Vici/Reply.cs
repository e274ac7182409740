namespace Kuguru.Daemon.Vici;

/// <summary>The answers that commands share.</summary>
static class Reply
{
    public static ViciMessage Success => new() { { "success", "yes" } };

    public static ViciMessage Failed(string why) => new() { { "success", "no" }, { "errmsg", why } };

    /// <summary>
    /// The first error is what charon's clients show; <c>keys</c> and <c>reasons</c> have all of them, which Kuguru's loader finds the file and line of.
    /// </summary>
    public static ViciMessage Refused(IReadOnlyList<ConfigError> errors) => new()
    {
        { "success", "no" },
        { "errmsg", errors.Count == 1 ? errors[0].ToString() : $"{errors[0]} (and {errors.Count - 1} more)" },
        { "keys", errors.Select(e => e.Key) },
        { "reasons", errors.Select(e => e.What) },
    };
}
