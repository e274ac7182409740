namespace Kuguru.Daemon.Settings;

/// <summary>
/// The syntax that swanctl.conf and strongswan.conf share: nested <c>name { }</c>, <c>key = value</c>, <c># comments</c>,
/// <c>"quoted"</c> values with escapes, <c>include</c> with wildcards relative to the including file, <c>name : other.section { }</c>.
/// </summary>
public static class SettingsFile
{
    /// <summary>Reads a file and all that it includes. Null, with the reason in <paramref name="complaints"/>, when it cannot be read or is wrong.</summary>
    public static SettingsSection? Load(string path, Complaints complaints)
    {
        var root = new RawSection("", new Origin(path, 1));
        return SettingsParser.ParseFile(path, root, complaints) ? SettingsResolver.Resolve(root, complaints) : null;
    }

    /// <summary>As <see cref="Load"/>, from text; <paramref name="name"/> stands for the file in complaints and for what includes are relative to.</summary>
    public static SettingsSection? Parse(string text, string name, Complaints complaints)
    {
        var root = new RawSection("", new Origin(name, 1));
        return SettingsParser.Parse(text, name, root, complaints) ? SettingsResolver.Resolve(root, complaints) : null;
    }
}
